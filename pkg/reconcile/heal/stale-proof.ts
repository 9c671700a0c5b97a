import { errorMessage, OvrError } from '../../api/index.ts';
import type { NetworkRef } from '../../plan/index.ts';
import type { NetworkEndpoint, ObservedContainer, ObservedNetwork } from '../../state/index.ts';
import type { Engine, EndpointQuestion, Inquiry } from '../ports.ts';
import { holderOn, isLeftOver } from './holder.ts';

export interface StaleProofDeps {
  readonly engine: Pick<Engine, 'observe' | 'inspectNetwork'>;
  /** Asks the other nodes that share the store; absent where there is nobody to ask. */
  readonly inquire: ((question: EndpointQuestion) => Promise<Inquiry>) | undefined;
}

/** The container that an endpoint is in the way of. */
interface Wanting {
  readonly id: string;
  readonly name: string;
}

/** What is known of an endpoint that is in the way of a container. */
export type Verdict =
  /** Nobody's; `by` says who says so. */
  | { readonly type: 'proven'; readonly question: EndpointQuestion; readonly by: string }
  /** It is the container's own, and the engine does not show it on the container. */
  | { readonly type: 'own'; readonly question: EndpointQuestion }
  /** Somebody's, or not to be had by its name: it stays, whatever else is known. The message has the mend. */
  | { readonly type: 'refused'; readonly message: string }
  /** Who holds it cannot be told; the message has the mend. `others`: IDs of more endpoints of the name, of which the same holds. */
  | {
      readonly type: 'unproven';
      readonly question: EndpointQuestion;
      readonly others?: readonly string[];
      readonly message: string;
    };

/**
 * Whether an endpoint that refuses a container its name is nobody's. The engine drops endpoints by name without asking whose they are, over all hosts
 * of a cluster store, so nothing short of this is proof:
 * - this engine has no container of the name but the one that wants it, and none that holds the endpoint;
 * - in a cluster store every node that is known says the same of its own engine, after it was asked. Elsewhere endpoints are each engine's own, and so
 *   is one of a container that this engine has removed.
 * Fails with `stale-endpoint` while the engine does not show what is to be judged.
 */
export async function judgeEndpoint(
  deps: StaleProofDeps,
  wanted: Wanting,
  network: NetworkRef,
): Promise<Verdict> {
  const observed = await deps.engine.observe();
  const found = networkMeant(observed.networks, network);
  if (found === undefined) {
    return { type: 'refused', message: `network ${network.name} cannot be told from others of its name` };
  }
  const own = observed.containers.find(({ id }) => id === wanted.id);
  if (found.scope === 'swarm' && own !== undefined && isPublished(own, observed.networks)) {
    return {
      type: 'refused',
      message: `stop container ${wanted.name}, and ovr removes it and starts the container again`,
    };
  }
  const mayAsk = observed.engine.kind !== 'classic-swarm';
  return judgeOn(mayAsk ? deps : { ...deps, inquire: undefined }, wanted, found);
}

async function judgeOn(
  { engine, inquire }: StaleProofDeps,
  wanted: Wanting,
  found: ObservedNetwork,
): Promise<Verdict> {
  const { name } = wanted;
  const ref = { name: found.name, id: found.id };
  const { endpoints } = await engine.inspectNetwork(ref);
  const [endpoint, ...others] = endpoints.filter((candidate) => candidate.name === name);
  if (!endpoint) return phantom(name, found.name);
  const question: EndpointQuestion = { network: ref, endpointId: endpoint.id, name };
  if (others.length > 0) return severalOf(question, others);
  if (endpoint.holder === wanted.id && !(await isLeftOver(engine, endpoint, name)))
    return { type: 'own', question };
  const holder = await holderOn(engine, question, wanted.id);
  if (holder !== undefined) return held(question, `${holder} on this host`);
  if (endpoint.holder !== undefined)
    return proven(question, 'this engine, whose container that had it is gone or has ended');
  if (found.scope !== 'global') return proven(question, 'this engine, whose endpoints are its own');
  if (inquire === undefined) return { type: 'unproven', question, message: byHand(question) };
  return asked(question, inquire);
}

/** Undefined where several bear its name; fails where the engine shows none. */
function networkMeant(
  networks: readonly ObservedNetwork[],
  { id, name }: NetworkRef,
): ObservedNetwork | undefined {
  const [first, ...others] = networks.filter((each) =>
    id === undefined ? each.name === name : each.id === id,
  );
  if (first) return others.length > 0 ? undefined : first;
  throw new OvrError('stale-endpoint', 'waiting', `the engine does not list network ${name} just now`);
}

function proven(question: EndpointQuestion, by: string): Verdict {
  return { type: 'proven', question, by };
}

/** Swarm mode fails half-way when a container is renamed that lives on one of its networks: the name it is found by stays another. */
function isPublished({ state, endpoints }: ObservedContainer, networks: readonly ObservedNetwork[]): boolean {
  const swarm = new Set(networks.filter(({ scope }) => scope === 'swarm').map(({ id }) => id));
  return (
    (state === 'running' || state === 'paused') && endpoints.some(({ networkId }) => swarm.has(networkId))
  );
}

async function asked(
  question: EndpointQuestion,
  inquire: NonNullable<StaleProofDeps['inquire']>,
): Promise<Verdict> {
  try {
    const answer = await inquire(question);
    if (answer.type === 'held') return held(question, `${answer.holder} on node ${answer.node}`);
    if (answer.type === 'unknown') return { type: 'unproven', question, message: answer.message };
    const others = answer.nodes.length === 0 ? '' : ` and ${answer.nodes.join(', ')}`;
    return proven(question, `this engine${others}`);
  } catch (error) {
    const message = `the other nodes cannot be asked whose it is: ${errorMessage(error)}`;
    return { type: 'unproven', question, message };
  }
}

function held({ name, network }: EndpointQuestion, holder: string): Verdict {
  const message = `endpoint ${name} of network ${network.name} belongs to ${holder}: remove or rename that, or this`;
  return { type: 'refused', message };
}

function phantom(name: string, network: string): Verdict {
  const message =
    `the engine says that endpoint ${name} exists in network ${network} and shows none: ` +
    'restart Docker on the host that had it';
  return { type: 'refused', message };
}

/** The engine removes by name whichever it finds first. */
function severalOf(question: EndpointQuestion, others: readonly NetworkEndpoint[]): Verdict {
  const { name, network } = question;
  const message = `network ${network.name} has ${others.length + 1} endpoints named ${name}, and one may be another host's: ${byHand(question)}`;
  return { type: 'unproven', question, others: others.map(({ id }) => id), message };
}

function byHand({ name, network }: EndpointQuestion): string {
  return (
    `nobody can say whose it is without a coordinator: if no host has a container ${name} (\`docker ps -a\`), ` +
    `run \`docker network disconnect -f ${network.name} ${name}\` on a host that has none`
  );
}

/**
 * Whether the endpoint is still shown; fails when another one has its name by now, or somebody holds it: between a question and its answer somebody
 * may have made another.
 * @param others IDs of endpoints that may have the name too
 */
export async function isStillThere(
  engine: Pick<Engine, 'observe' | 'inspectNetwork'>,
  { network, endpointId, name }: EndpointQuestion,
  others: readonly string[] = [],
): Promise<boolean> {
  const { endpoints } = await engine.inspectNetwork(network);
  const now = endpoints.filter((candidate) => candidate.name === name);
  for (const endpoint of now) {
    const isMeant = endpoint.id === endpointId || others.includes(endpoint.id);
    if (isMeant && (endpoint.holder === undefined || (await isLeftOver(engine, endpoint, name)))) continue;
    throw new OvrError('stale-endpoint', 'waiting', `endpoint ${name} has changed hands meanwhile`);
  }
  return now.length > 0;
}
