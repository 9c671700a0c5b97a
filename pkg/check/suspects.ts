import { weigh } from './assemble.ts';
import type { Evidence, Gathered } from './evidence.ts';
import type { MappedEndpoint, MappedNetwork } from './errand.ts';
import { mismatchesOf } from './mismatches.ts';
import { straysOf } from './strays.ts';

/** An endpoint that is as it should be on its own host, and that other hosts do not find. */
export interface Suspect {
  /** `name`: other hosts do not know its names; `address`: they do not reach it. */
  readonly kind: 'name' | 'address';
  readonly node: string;
  readonly networkId: string;
  readonly network: string;
  readonly containerId: string;
  readonly container: string;
  readonly address: string;
  /** What was seen and from where. */
  readonly why: string;
}

/** What one check can be wrong about: more says that something else is wrong. */
export const MAX_SUSPECTS = 200;
const NAMES_SHOWN = 5;

/**
 * The endpoints that would be found again if their own hosts published them anew. What is wrong with records of containers that are gone, or
 * with the way between two hosts, is no endpoint's fault and not among them.
 */
export function suspectsOf(gathered: Gathered): Suspect[] {
  const evidence = weigh(gathered);
  const named = evidence.networks.filter(isShared).flatMap((mapped) => namesOn(mapped, evidence));
  const stray = straysOf(evidence)
    .filter(({ isReachedAtHome }) => isReachedAtHome)
    .map(({ network, endpoint, from, beside }): Suspect => {
      const why = `${endpoint.address} is not reached from ${from.join(', ')}, while ${beside} beside it is`;
      return { kind: 'address', ...about(network, endpoint), why };
    });
  return [...named, ...stray].filter((one) => wasThere(one, gathered)).slice(0, MAX_SUSPECTS);
}

/** Whether it was the same endpoint before anybody was asked: what has just changed needs no mending yet. */
function wasThere({ node, networkId, containerId, address }: Suspect, { before }: Gathered): boolean {
  const endpoints = before.censuses
    .filter((census) => census.node === node)
    .flatMap(({ networks }) => networks.find(({ id }) => id === networkId)?.endpoints ?? []);
  return endpoints.some((endpoint) => endpoint.id === containerId && endpoint.address === address);
}

function isShared({ network }: MappedNetwork): boolean {
  return network.scope !== 'local';
}

function namesOn(mapped: MappedNetwork, evidence: Evidence): Suspect[] {
  const mismatches = mismatchesOf({ ...evidence, networks: [mapped] });
  return mapped.endpoints.flatMap((endpoint): Suspect[] => {
    const { node, address, names } = endpoint;
    // A name that only the manifest has is missing on its own host too, and repaired there.
    const lost = mismatches.filter(
      ({ name, expected, answered }) =>
        names.includes(name) && expected.includes(address) && !answered.includes(address),
    );
    const from = [...new Set(lost.flatMap(({ nodes }) => nodes))].filter((one) => one !== node).sort();
    const isDouble = mapped.endpoints.some((other) => other !== endpoint && other.address === address);
    if (from.length === 0 || isDouble) return [];
    const all = lost.filter(({ nodes }) => nodes.some((one) => one !== node)).map(({ name }) => name);
    const why = `asked on ${from.join(', ')}, ${list(all)} ${all.length === 1 ? 'does' : 'do'} not lead to ${address}`;
    return [{ kind: 'name', ...about(mapped.network, endpoint), why }];
  });
}

function about(
  { id: networkId, name: network }: MappedNetwork['network'],
  { node, id: containerId, container, address }: MappedEndpoint,
): Omit<Suspect, 'kind' | 'why'> {
  return { node, networkId, network, containerId, container, address };
}

function list(names: readonly string[]): string {
  const sorted = [...new Set(names)].sort();
  const more = sorted.length - NAMES_SHOWN;
  return `${sorted.slice(0, NAMES_SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
