import { OvrError, type Clock, type Healing } from '../../api/index.ts';
import { asideName, type NetworkRef } from '../../plan/index.ts';
import { FlapBreaker } from '../breaker.ts';
import type { Engine, EndpointQuestion } from '../ports.ts';
import { isStillThere, judgeEndpoint, type StaleProofDeps, type Verdict } from './stale-proof.ts';

export interface EndpointRemoverDeps extends Pick<StaleProofDeps, 'inquire'> {
  readonly engine: Engine;
  readonly clock: Clock;
}

/** Who else knows of an endpoint that it is nobody's. */
export type Known = (question: EndpointQuestion) => string | undefined;

/** Removes endpoints that are in a container's way and that nobody holds; tells why it does not. At most five tries in 300 s an endpoint. */
export class EndpointRemover {
  readonly #deps: EndpointRemoverDeps;
  readonly #breaker = new FlapBreaker<string>();
  /** What the last try ran into, by endpoint. */
  readonly #refusals = new Map<string, string>();

  constructor(deps: EndpointRemoverDeps) {
    this.#deps = deps;
  }

  /**
   * Fails with `stale-endpoint` where the endpoint is not to be removed, with `heal-stalled` after too many tries. Undefined where it is gone by then.
   * @param known what else shows that an endpoint is nobody's, for where the other nodes cannot say
   */
  async remove(
    container: { readonly id: string; readonly name: string },
    network: NetworkRef,
    known: Known,
  ): Promise<Healing | undefined> {
    const { engine, clock } = this.#deps;
    const key = `${container.name} ${network.id ?? network.name}`;
    const pauseMs = this.#breaker.pauseMs(key, clock.monotonic());
    if (pauseMs > 0) {
      const comesBack = `endpoint ${container.name} of network ${network.name} comes back each time`;
      throw stalled(this.#refusals.get(key) ?? comesBack);
    }
    const verdict = await judgeEndpoint(this.#deps, container, network);
    this.#breaker.recordRepair(key, clock.monotonic());
    if (verdict.type === 'own') {
      this.#refusals.delete(key);
      return this.#giveBack(container, verdict.question);
    }
    const by = proofOf(verdict, known);
    if (verdict.type === 'refused' || by === undefined) {
      const why = verdict.type === 'proven' ? '' : verdict.message;
      const message = `an endpoint ${container.name} exists already in network ${network.name} and is left alone: ${why}`;
      this.#refusals.set(key, message);
      throw new OvrError('stale-endpoint', 'waiting', message);
    }
    this.#refusals.delete(key);
    const isRemoved = await this.#aside(container, async () => {
      if (!(await isStillThere(engine, verdict))) return false;
      await engine.dropEndpoint(container.name, verdict.question.network).catch(ignoreNotThere);
      return true;
    });
    if (!isRemoved) return undefined;
    return {
      playbook: 'stale-endpoint',
      saw: `endpoint ${container.name} (${verdict.question.endpointId.slice(0, 12)}) in network ${network.name} that nobody holds, by the word of ${by}`,
      did: 'removed it by name',
    };
  }

  /** By the container's ID and without force: what anybody else holds cannot be meant. */
  async #giveBack(
    container: { readonly id: string; readonly name: string },
    { network, endpointId }: EndpointQuestion,
  ): Promise<Healing> {
    await this.#deps.engine.disconnect(container.id, network);
    return {
      playbook: 'stale-endpoint',
      saw: `endpoint ${container.name} (${endpointId.slice(0, 12)}) in network ${network.name} that the container has, and that its record lacks`,
      did: 'disconnected it, so that it is made anew',
    };
  }

  /**
   * An engine drops an endpoint by name only while it knows no container of that name. So ours steps aside, under the name of a
   * parked one: if this is cut off, the next plan finds it there and goes on. Where one is parked, ours is a new one, which the next plan makes again.
   */
  async #aside<Result>(
    { id, name }: { id: string; name: string },
    work: () => Promise<Result>,
  ): Promise<Result> {
    const { engine } = this.#deps;
    await engine.renameContainer(id, asideName(name)).catch((error: unknown) => {
      if (!isTaken(error)) throw error;
      return engine.renameContainer(id, asideName(asideName(name)));
    });
    try {
      return await work();
    } finally {
      await engine.renameContainer(id, name);
    }
  }
}

/** Who says that it is nobody's. What is known besides never outweighs that somebody holds it. */
function proofOf(verdict: Exclude<Verdict, { type: 'own' }>, known: Known): string | undefined {
  if (verdict.type === 'proven') return verdict.by;
  if (verdict.type !== 'unproven') return undefined;
  const [by, ...more] = verdict.unproven.map((endpointId) => known({ ...verdict.question, endpointId }));
  return more.includes(undefined) ? undefined : by;
}

function isTaken(error: unknown): boolean {
  return error instanceof OvrError && error.code === 'name-in-use';
}

function stalled(why: string): OvrError {
  return new OvrError('heal-stalled', 'waiting', `tried 5 times in 300 s, so ovr waits longer now: ${why}`);
}

function ignoreNotThere(error: unknown): void {
  const isGone = error instanceof OvrError && (error.code === 'not-found' || error.kind === 'already-so');
  if (!isGone) throw error;
}
