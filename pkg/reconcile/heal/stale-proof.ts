import { errorMessage, OvrError } from '../../api/index.ts';
import type { NetworkRef } from '../../plan/index.ts';
import type { ObservedContainer, ObservedNetwork } from '../../state/index.ts';
import type { Engine, EndpointQuestion, Inquiry } from '../ports.ts';
import { holderOn } from './holder.ts';

export interface StaleProofDeps {
  readonly engine: Pick<Engine, 'observe' | 'inspectNetwork'>;
  /** Asks the other nodes that share the store; absent where there is nobody to ask. */
  readonly inquire: ((question: EndpointQuestion) => Promise<Inquiry>) | undefined;
}

/** What is known of an endpoint that is in the way of a container. */
export type Verdict =
  /** Nobody's; `by` says who says so. */
  | { readonly type: 'proven'; readonly question: EndpointQuestion; readonly by: string }
  /** It is the container's own, and the engine does not show it on the container. */
  | { readonly type: 'own'; readonly question: EndpointQuestion }
  /** Somebody's, or not to be had by its name: it stays, whatever else is known. The message has the mend. */
  | { readonly type: 'refused'; readonly message: string }
  /** Who holds it cannot be told; the message has the mend. */
  | { readonly type: 'unproven'; readonly question: EndpointQuestion; readonly message: string };

/**
 * Whether an endpoint that refuses a container its name is nobody's. The engine drops endpoints by name without asking whose they are, over all hosts
 * of a cluster store, so nothing short of this is proof:
 * - this engine has no container of the name but the one that wants it, and none that holds the endpoint;
 * - in a cluster store every node that is known says the same of its own engine, after it was asked. Elsewhere endpoints are each engine's own.
 */
export async function judgeEndpoint(
  { engine, inquire }: StaleProofDeps,
  wanted: { readonly id: string; readonly name: string },
  network: NetworkRef,
): Promise<Verdict> {
  const { name } = wanted;
  const { networks, containers, engine: facts } = await engine.observe();
  const found = networks.filter((candidate) =>
    network.id === undefined ? candidate.name === network.name : candidate.id === network.id,
  );
  const [only] = found;
  if (!only || found.length > 1) {
    return { type: 'refused', message: `network ${network.name} cannot be told from others of its name` };
  }
  const own = containers.find(({ id }) => id === wanted.id);
  if (only.scope === 'swarm' && own !== undefined && isPublished(own, networks)) {
    return {
      type: 'refused',
      message: `stop container ${name}, and ovr removes it and starts the container again`,
    };
  }
  const ref = { name: only.name, id: only.id };
  const { endpoints } = await engine.inspectNetwork(ref);
  const endpoint = endpoints.find((candidate) => candidate.name === name);
  if (!endpoint) return phantom(name, only.name);
  const question: EndpointQuestion = { network: ref, endpointId: endpoint.id, name };
  if (endpoint.holder === wanted.id) return { type: 'own', question };
  const holder = await holderOn(engine, question, wanted.id);
  if (holder !== undefined) return held(question, `${holder} on this host`);
  if (only.scope !== 'global') {
    return { type: 'proven', question, by: 'this engine, whose endpoints are its own' };
  }
  if (facts.kind === 'classic-swarm' || inquire === undefined) {
    return { type: 'unproven', question, message: byHand(question) };
  }
  return asked(question, inquire);
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
    return { type: 'proven', question, by: `this engine${others}` };
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

function byHand({ name, network }: EndpointQuestion): string {
  return (
    `nobody can say whose it is without a coordinator: if no host has a container ${name} (\`docker ps -a\`), ` +
    `run \`docker network disconnect -f ${network.name} ${name}\` on a host that has none`
  );
}

/** Fails unless the endpoint is still the one that was asked about: between a question and its answer somebody may have made another. */
export async function requireSame(
  engine: Pick<Engine, 'inspectNetwork'>,
  { network, endpointId, name }: EndpointQuestion,
): Promise<void> {
  const { endpoints } = await engine.inspectNetwork(network);
  const now = endpoints.find((candidate) => candidate.name === name);
  if (now === undefined || (now.id === endpointId && now.holder === undefined)) return;
  throw new OvrError('stale-endpoint', 'waiting', `endpoint ${name} has changed hands meanwhile`);
}
