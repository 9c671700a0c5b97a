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

/** What is known of an endpoint that is in the way of a container, or of several of its name. */
export type Verdict =
  /** Nobody's; `by` says who says so. */
  | ({ readonly type: 'proven'; readonly by: string } & Judged)
  /** It is the container's own, and the engine does not show it on the container. */
  | ({ readonly type: 'own' } & Judged)
  /** Somebody's, or not to be had by its name: it stays, whatever else is known. The message has the mend. */
  | { readonly type: 'refused'; readonly message: string }
  /** Who holds those that are named cannot be told; the message has the mend. */
  | ({ readonly type: 'unproven'; readonly unproven: readonly string[]; readonly message: string } & Judged);

interface Judged {
  readonly question: EndpointQuestion;
  /** IDs of all endpoints of the name: by name the engine removes whichever it finds first. */
  readonly all: readonly string[];
}

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

async function judgeOn(deps: StaleProofDeps, wanted: Wanting, found: ObservedNetwork): Promise<Verdict> {
  const { engine } = deps;
  const { name } = wanted;
  const ref = { name: found.name, id: found.id };
  const { endpoints } = await engine.inspectNetwork(ref);
  const named = endpoints.filter((candidate) => candidate.name === name);
  const verdicts: Verdict[] = [];
  for (const endpoint of named) {
    const question: EndpointQuestion = { network: ref, endpointId: endpoint.id, name };
    const judged = { question, all: named.map(({ id }) => id) };
    verdicts.push(await judgeOne(deps, wanted, { found, endpoint, judged }));
  }
  return whole(verdicts) ?? phantom(name, found.name);
}

/** What holds of one endpoint holds of all only where it keeps them; undefined where there is none. */
function whole(verdicts: readonly Verdict[]): Verdict | undefined {
  const unproven = verdicts.flatMap((verdict) => (verdict.type === 'unproven' ? verdict.unproven : []));
  for (const type of ['refused', 'own', 'unproven'] as const) {
    const found = verdicts.find((verdict) => verdict.type === type);
    if (found) return found.type === 'unproven' ? { ...found, unproven } : found;
  }
  return verdicts[0];
}

async function judgeOne(
  { engine, inquire }: StaleProofDeps,
  wanted: Wanting,
  { found, endpoint, judged }: { found: ObservedNetwork; endpoint: NetworkEndpoint; judged: Judged },
): Promise<Verdict> {
  const { question } = judged;
  if (endpoint.holder === wanted.id && !(await isLeftOver(engine, endpoint, wanted.name)))
    return { type: 'own', ...judged };
  const holder = await holderOn(engine, question, wanted.id);
  if (holder !== undefined) return held(question, `${holder} on this host`);
  if (endpoint.holder !== undefined)
    return { type: 'proven', ...judged, by: 'this engine, whose container that had it is gone or has ended' };
  if (found.scope !== 'global')
    return { type: 'proven', ...judged, by: 'this engine, whose endpoints are its own' };
  return inquire === undefined ? unproven(judged, byHand(question)) : asked(judged, inquire);
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

/** Swarm mode fails half-way when a container is renamed that lives on one of its networks: the name it is found by stays another. */
function isPublished({ state, endpoints }: ObservedContainer, networks: readonly ObservedNetwork[]): boolean {
  const swarm = new Set(networks.filter(({ scope }) => scope === 'swarm').map(({ id }) => id));
  return (
    (state === 'running' || state === 'paused') && endpoints.some(({ networkId }) => swarm.has(networkId))
  );
}

async function asked(judged: Judged, inquire: NonNullable<StaleProofDeps['inquire']>): Promise<Verdict> {
  const { question } = judged;
  try {
    const answer = await inquire(question);
    if (answer.type === 'held') return held(question, `${answer.holder} on node ${answer.node}`);
    if (answer.type === 'unknown') return unproven(judged, answer.message);
    const others = answer.nodes.length === 0 ? '' : ` and ${answer.nodes.join(', ')}`;
    return { type: 'proven', ...judged, by: `this engine${others}` };
  } catch (error) {
    return unproven(judged, `the other nodes cannot be asked whose it is: ${errorMessage(error)}`);
  }
}

function unproven(judged: Judged, message: string): Verdict {
  return { type: 'unproven', ...judged, unproven: [judged.question.endpointId], message };
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

function byHand({ name, network }: EndpointQuestion): string {
  return (
    `nobody can say whose it is without a coordinator: if no host has a container ${name} (\`docker ps -a\`), ` +
    `run \`docker network disconnect -f ${network.name} ${name}\` on a host that has none`
  );
}

/**
 * Whether one of the endpoints is still shown; fails when another one has the name by now, or somebody holds one: between a question and its answer
 * somebody may have made another.
 */
export async function isStillThere(
  engine: Pick<Engine, 'observe' | 'inspectNetwork'>,
  { question: { network, name }, all }: Judged,
): Promise<boolean> {
  const { endpoints } = await engine.inspectNetwork(network);
  const now = endpoints.filter((candidate) => candidate.name === name);
  for (const endpoint of now) {
    const isFree = endpoint.holder === undefined || (await isLeftOver(engine, endpoint, name));
    if (all.includes(endpoint.id) && isFree) continue;
    throw new OvrError('stale-endpoint', 'waiting', `endpoint ${name} has changed hands meanwhile`);
  }
  return now.length > 0;
}
