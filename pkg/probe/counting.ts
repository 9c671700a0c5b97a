import { OvrError } from '../api/index.ts';
import { answersNames, isThere, takeCensus, type Census } from '../check/index.ts';
import type { Revision } from '../manifest/index.ts';
import type { Engine } from '../reconcile/index.ts';
import type { ObservedContainer } from '../state/index.ts';
import { Turnstile } from './turnstile.ts';

export interface CountingDeps {
  readonly engine: Pick<Engine, 'facts' | 'observe' | 'containerSeat'>;
  /** The manifests in force. */
  readonly revision: () => Revision | undefined;
}

const PARALLEL_INSPECTS = 8;

/** Takes the census of this node. Containers that are not ovr's own count too: they hold names like any other. */
export async function countHere({ engine, revision }: CountingDeps): Promise<Census> {
  const observed = await engine.observe();
  const shown = new Map(observed.networks.map((network) => [network.id, network]));
  const isConcerned = (container: ObservedContainer): boolean =>
    isThere(container) &&
    container.endpoints.some(({ networkId }) => {
      const network = shown.get(networkId);
      return network !== undefined && answersNames(network);
    });
  const untold = observed.containers.filter((one) => one.details === undefined && isConcerned(one));
  const told = await tellNames(engine, untold);
  const gone = new Set(untold.filter(({ id }) => !told.has(id)).map(({ id }) => id));
  const force = revision();
  return takeCensus({
    node: observed.engine.node.name,
    observed: { ...observed, containers: observed.containers.filter(({ id }) => !gone.has(id)) },
    told,
    ...(force ? { revision: force } : {}),
  });
}

/** Names by container ID; those that have gone meanwhile are left out. */
async function tellNames(
  engine: CountingDeps['engine'],
  containers: readonly ObservedContainer[],
): Promise<Map<string, ReadonlyMap<string, readonly string[]>>> {
  const turnstile = new Turnstile(PARALLEL_INSPECTS);
  const told = new Map<string, ReadonlyMap<string, readonly string[]>>();
  const tell = async ({ id }: ObservedContainer): Promise<void> => {
    try {
      told.set(id, (await engine.containerSeat(id)).aliases);
    } catch (error) {
      if (!(error instanceof OvrError) || error.code !== 'not-found') throw error;
    }
  };
  await Promise.all(containers.map((container) => turnstile.pass(() => tell(container))));
  return told;
}
