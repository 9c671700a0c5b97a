import { compareStrings } from '../api/index.ts';
import { cellsOf } from './cells.ts';
import { isWanted, makeErrand, mapNetworks, type ErrandNetwork, type MappedNetwork } from './errand.ts';
import { findingsOn, type Evidence, type Gathered } from './evidence.ts';
import { mismatchesOf } from './mismatches.ts';
import type { CheckedNetwork, CheckedNode, CheckFailure, CheckReport } from './report.ts';
import { describeStray, straysOf } from './strays.ts';

const MAX_MISMATCHES = 500;

/** Puts the report together. Pure: the same findings make the same report. */
export function assembleReport(gathered: Gathered): CheckReport {
  const evidence = weigh(gathered);
  const networks = evidence.networks.map((mapped) => describe(mapped, evidence));
  const mismatches = mismatchesOf(evidence);
  const unreached = straysOf(evidence).map(describeStray);
  const failures = failuresOf(evidence);
  const nodes = nodesOf(gathered);
  const { node, scope, startedMs, durationMs } = gathered;
  const reached = networks.every(({ cells }) => cells.every(({ reach }) => reach === 'ok'));
  const answered = nodes.every(({ state }) => state === 'answered');
  return {
    ok: reached && answered && [mismatches, unreached, failures].every(({ length }) => length === 0),
    scope,
    node,
    startedMs,
    durationMs,
    nodes,
    networks,
    mismatches: mismatches.slice(0, MAX_MISMATCHES),
    unreached: unreached.slice(0, MAX_MISMATCHES),
    failures,
    notes: notesOf(evidence, mismatches.length - MAX_MISMATCHES),
  };
}

/** What was found out, for what was there all the time. */
export function weigh(gathered: Gathered): Evidence {
  const { before, after, wanted } = gathered;
  const shared = makeErrand(after, wanted, 'shared').networks;
  const must = new Map<string, ReadonlyMap<string, ErrandNetwork>>();
  for (const census of after.censuses) {
    const own = makeErrand({ censuses: [census], isComplete: true }, wanted, 'local').networks;
    must.set(census.node, new Map([...shared, ...own].map((network) => [network.id, network])));
  }
  const earlier = mapNetworks(before);
  const networks = [...mapNetworks(after).values()]
    .filter(({ network }) => isWanted(network, wanted))
    .map((mapped) => onlyLasting(mapped, earlier.get(mapped.network.id)))
    .filter(({ endpoints }) => endpoints.length > 0)
    .sort(
      (a, b) => compareStrings(a.network.name, b.network.name) || compareStrings(a.network.id, b.network.id),
    );
  return { gathered, networks, must };
}

/** Without the nodes that came while the others were under way. */
function onlyLasting(mapped: MappedNetwork, earlier: MappedNetwork | undefined): MappedNetwork {
  const nodes = new Set(earlier?.endpoints.map(({ node }) => node));
  return { ...mapped, endpoints: mapped.endpoints.filter(({ node }) => nodes.has(node)) };
}

function describe(mapped: MappedNetwork, evidence: Evidence): CheckedNetwork {
  const { id, name, driver, scope } = mapped.network;
  const silent = scope === 'local' ? [] : [...evidence.gathered.silent.keys()];
  const hosts = [...new Set([...mapped.endpoints.map(({ node }) => node), ...silent])].sort(compareStrings);
  const sizes = hosts.flatMap((host) => {
    const found = findingsOn(evidence, host, id);
    return found && found.failure === undefined ? [found.mtu] : [];
  });
  const names = new Set(mapped.endpoints.flatMap((endpoint) => [...endpoint.names, ...endpoint.lacking]));
  return {
    name,
    id,
    driver,
    scope,
    mtu: sizes.length === 0 ? 0 : Math.min(...sizes),
    hosts,
    names: names.size,
    cells: cellsOf(mapped, hosts, evidence),
  };
}

function failuresOf(evidence: Evidence): CheckFailure[] {
  return evidence.networks.flatMap(({ network, endpoints }) => {
    const nodes = [...new Set(endpoints.map(({ node }) => node))].sort(compareStrings);
    return nodes.flatMap((node) => {
      const found = findingsOn(evidence, node, network.id);
      const untried = found?.dns.untried ?? 0;
      const message =
        found?.failure ??
        found?.dns.failure ??
        (untried > 0
          ? `there was no time to ask for ${untried} names: check fewer networks at once`
          : undefined);
      return message === undefined ? [] : [{ node, network: network.name, message }];
    });
  });
}

function nodesOf({ findings, silent, before }: Gathered): CheckedNode[] {
  const away = [...silent].map(([name, message]) => ({ name, state: 'no-answer', message }) as const);
  const heard = before.censuses.map(({ node: name }): CheckedNode => {
    const found = findings.get(name);
    if (!found) {
      const message = 'told what it has, and then not what it found out: see the log of its ovrd';
      return { name, state: 'no-answer', message };
    }
    return 'problem' in found
      ? { name, state: 'failed', message: found.problem }
      : { name, state: 'answered', message: '' };
  });
  return [...away, ...heard].sort((a, b) => compareStrings(a.name, b.name));
}

function notesOf({ gathered, networks }: Evidence, omitted: number): string[] {
  const { scope, wanted } = gathered;
  const shared = networks
    .filter(({ network }) => network.scope !== 'local')
    .map(({ network }) => network.name);
  const notes: string[] = [];
  if (scope === 'node' && shared.length > 0) {
    notes.push(
      `only the containers of this node are known: other hosts on ${shared.join(', ')} are neither pinged nor expected in answers; with --coordinator zk://… on all of them ovr check covers the cluster`,
    );
  }
  for (const name of wanted) {
    if (networks.some(({ network }) => isWanted(network, [name]))) continue;
    notes.push(
      `no running container ${scope === 'node' ? 'here' : 'of the cluster'} is on network ${name}, so there is nothing to check`,
    );
  }
  if (networks.length === 0 && wanted.length === 0) {
    notes.push('no running container is on a network with embedded DNS, so there is nothing to check');
  }
  if (omitted > 0) notes.push(`${omitted} further mismatches are not shown`);
  return notes;
}
