import {
  errorMessage,
  objectKey,
  OvrError,
  pause,
  type Clock,
  type Healing,
  type ObjectKey,
} from '../api/index.ts';
import {
  healingOf,
  type Action,
  type ContainerCreate,
  type ContainerRef,
  type EndpointRequest,
  type NetworkCreate,
  type NetworkRef,
  type ObjectPlan,
} from '../plan/index.ts';
import { attachedByName, Attacher, type Attached, type AttacherDeps } from './attacher.ts';
import { NetworkRemover } from './heal/network-remover.ts';
import type { Engine, Secrets } from './ports.ts';
import { readEnv } from './read-env.ts';
import type { SecretWatch } from './secret-watch.ts';
import type { ActionRecord, HealRecord, StepResult } from './status.ts';
import { withoutSecrets } from './without-secrets.ts';

const VERIFY_MS = 1_000;
const VERIFY_POLL_MS = 100;

export interface ExecutorDeps extends AttacherDeps {
  readonly engine: Engine;
  readonly secrets: Secrets;
  /** What a container with secrets is labelled with, besides its own labels. */
  readonly secretLabels: SecretWatch['labelsFor'];
  readonly clock: Clock;
  /** Told of each step as it ends. */
  readonly recorded: (record: ActionRecord) => void;
  /** Told of what a step has healed, after the step. */
  readonly healed: (record: HealRecord) => void;
  /** Told of each container that was made, before anything else is done with it. */
  readonly containerMade: (id: string) => void;
  /** Told of an address that a container keeps no longer on a network: of the one it had, unless it says which. */
  readonly addressGivenUp: (container: ObjectKey, network: string, address?: string) => void;
  /** Why steps of this plan may not run any more; asked before each. */
  readonly forbidden: (plan: ObjectPlan) => OvrError | undefined;
}

/** How an object's plan ended. */
export type PlanResult =
  | { readonly ok: true }
  /** `fellBack`: the old container was put back. */
  | { readonly ok: false; readonly error: OvrError; readonly fellBack: boolean };

/** The environment of a container, and the labels that tell of its secrets. */
interface ReadEnv {
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

type CreateContainer = Extract<Action, { type: 'CreateContainer' }>;

/** What one object's steps share while they run. */
interface Run {
  readonly plan: ObjectPlan;
  /** The container an earlier step made. */
  madeId?: string;
  /** Endpoints that earlier steps asked for. */
  readonly endpoints: EndpointRequest[];
  /** Networks whose attachment the engine had lost when the endpoint was to be taken away. */
  readonly lost: Set<string>;
  /** Of containers that are to be made, by name, where it was read ahead. */
  readonly env: Map<string, ReadEnv>;
  /** What is secret of that: no message may tell it. */
  readonly secrets: string[];
}

function runOf(plan: ObjectPlan): Run {
  return { plan, endpoints: [], lost: new Set(), env: new Map(), secrets: [] };
}

/** Maps each action to one engine call, in order, and stops at the first failure. */
export class Executor {
  readonly #deps: ExecutorDeps;
  readonly #attacher: Attacher;
  readonly #remover: NetworkRemover;
  /** IDs of networks made here, by name: for steps planned before the network existed. */
  readonly #networkIds = new Map<string, string>();

  constructor(deps: ExecutorDeps) {
    this.#deps = deps;
    this.#attacher = new Attacher(deps, (container, { network, ipv4Address }) =>
      deps.addressGivenUp(objectKey('Container', container), network.name, ipv4Address),
    );
    this.#remover = new NetworkRemover(deps.engine);
  }

  /** Runs leading EnsureImage steps; they may take minutes and hold no slot. */
  async prepare(plan: ObjectPlan): Promise<PlanResult | undefined> {
    for (const action of plan.steps) {
      if (action.type !== 'EnsureImage') return undefined;
      const error = await this.#step(runOf(plan), action);
      if (error) return { ok: false, error, fellBack: false };
    }
    return undefined;
  }

  /** Runs the other steps, and the fallback when one of the steps it covers fails. The first call is made at once where nothing is to be read for it. */
  async run(plan: ObjectPlan): Promise<PlanResult> {
    const run = runOf(plan);
    const container = roomMadeFor(plan);
    const unread = container && (await this.#readAhead(run, container));
    if (unread) return { ok: false, error: unread, fellBack: false };
    for (const [index, action] of plan.steps.entries()) {
      if (action.type === 'EnsureImage') continue;
      const error = await this.#step(run, action);
      if (error) return { ok: false, error, fellBack: await this.#fallBack(run, plan, index) };
    }
    return { ok: true };
  }

  /** If what a container needs cannot be had, the one that is to make room for it stays. */
  async #readAhead(run: Run, action: CreateContainer): Promise<OvrError | undefined> {
    const began = this.#deps.clock.monotonic();
    try {
      run.env.set(action.container.name, await this.#readEnv(run, action.container));
      return undefined;
    } catch (thrown) {
      const failure = asOvrError(thrown);
      this.#record(run, action, { began, result: 'failed', failure });
      return failure;
    }
  }

  async #fallBack(run: Run, plan: ObjectPlan, failedAt: number): Promise<boolean> {
    const { fallback } = plan;
    if (!fallback || failedAt < fallback.from || failedAt >= fallback.until) return false;
    for (const action of fallback.steps) {
      const isUnmade =
        action.type === 'RemoveContainer' && action.container.id === undefined && run.madeId === undefined;
      if (isUnmade) continue;
      if (await this.#step(run, action)) return false;
    }
    return true;
  }

  async #step(run: Run, action: Action): Promise<OvrError | undefined> {
    const { clock } = this.#deps;
    const began = clock.monotonic();
    const heals: Healing[] = [];
    let result: StepResult = 'ok';
    let failure: OvrError | undefined;
    try {
      const forbidden = this.#deps.forbidden(run.plan);
      if (forbidden) throw forbidden;
      await this.#perform(run, action, (healing) => heals.push(healing));
    } catch (thrown) {
      const error = withoutSecrets(asOvrError(thrown), run.secrets);
      result = error.kind === 'already-so' ? 'already-so' : 'failed';
      if (result === 'failed') failure = error;
      noteLost(run, action, error);
    }
    if (!failure) heals.push(...healingsOf(run, action));
    this.#record(run, action, { began, result, ...(failure ? { failure } : {}) });
    for (const healing of heals) this.#deps.healed({ timeMs: clock.now(), key: run.plan.key, ...healing });
    return failure;
  }

  #record(
    { plan }: Run,
    action: Action,
    { began, result, failure }: { began: number; result: StepResult; failure?: OvrError },
  ): void {
    const { clock, recorded } = this.#deps;
    recorded({
      timeMs: clock.now(),
      key: plan.key,
      action: action.type,
      cause: action.cause,
      result,
      durationMs: clock.monotonic() - began,
      ...(failure ? { error: { code: failure.code, message: failure.message } } : {}),
    });
  }

  async #perform(run: Run, action: Action, told: (healing: Healing) => void): Promise<void> {
    const { engine } = this.#deps;
    switch (action.type) {
      case 'CreateNetwork':
        return this.#createNetwork(action.network);
      case 'RemoveNetwork':
        return this.#remover.remove(action.network, told);
      case 'EnsureImage':
        return engine.ensureImage(action.image, action.policy);
      case 'CreateContainer':
        return this.#create(run, action.container);
      case 'ConnectEndpoint':
        await this.#connect(run, action.container, { endpoint: this.#resolve(action.endpoint), told });
        // What was not served under the address that it had does not go back to it.
        if (action.cause.reason === 'Unpublished')
          this.#deps.addressGivenUp(run.plan.key, action.endpoint.network.name);
        return;
      case 'StartContainer':
        return this.#start(run, action, told);
      case 'VerifyRunning':
        return this.#verify(idOf(run, action.container), action.mayEnd);
      default:
        return this.#change(idOf(run, action.container), action);
    }
  }

  /** The actions that change a container in place: each is one call. */
  async #change(
    id: string,
    action: Extract<
      Action,
      {
        type:
          | 'DisconnectEndpoint'
          | 'UnpauseContainer'
          | 'UpdateContainer'
          | 'StopContainer'
          | 'RenameContainer'
          | 'RemoveContainer';
      }
    >,
  ): Promise<void> {
    const { engine } = this.#deps;
    switch (action.type) {
      case 'DisconnectEndpoint':
        return engine.disconnect(id, action.network, action.force);
      case 'UnpauseContainer':
        return engine.unpauseContainer(id);
      case 'UpdateContainer':
        return engine.updateContainer(id, action.update);
      case 'StopContainer':
        return engine.stopContainer(id, action.graceMs);
      case 'RenameContainer':
        return engine.renameContainer(id, action.to);
      case 'RemoveContainer':
        return engine.removeContainer(id);
    }
  }

  /** A network that somebody made in between may be foreign: the next round tells, and until then nothing attaches to it. */
  async #createNetwork(network: NetworkCreate): Promise<void> {
    try {
      this.#networkIds.set(network.name, await this.#deps.engine.createNetwork(network));
    } catch (error) {
      if (!(error instanceof OvrError) || error.code !== 'already-exists') throw error;
      throw new OvrError('already-exists', 'waiting', `${error.message}; looking whose it is`, {
        cause: error,
      });
    }
  }

  async #create(run: Run, container: ContainerCreate): Promise<void> {
    const { env, labels } = run.env.get(container.name) ?? (await this.#readEnv(run, container));
    const endpoint = container.endpoint && this.#resolve(container.endpoint);
    if (endpoint) run.endpoints.push(endpoint);
    const id = await this.#deps.engine.createContainer(
      { ...container, labels: { ...container.labels, ...labels }, ...(endpoint ? { endpoint } : {}) },
      env,
    );
    run.madeId = id;
    this.#deps.containerMade(id);
  }

  async #readEnv(run: Run, container: ContainerCreate): Promise<ReadEnv> {
    const { env, secrets } = await readEnv(container.spec, this.#deps.secrets);
    run.secrets.push(...secrets.map(({ value }) => value));
    return { env, labels: await this.#deps.secretLabels(container, secrets) };
  }

  #resolve(endpoint: EndpointRequest): EndpointRequest {
    return { ...endpoint, network: this.#resolveNetwork(endpoint.network) };
  }

  #resolveNetwork(network: NetworkRef): NetworkRef {
    const id = network.id ?? this.#networkIds.get(network.name);
    return id === undefined ? network : { ...network, id };
  }

  async #connect(
    run: Run,
    container: ContainerRef,
    { endpoint, told }: { endpoint: EndpointRequest; told: (healing: Healing) => void },
  ): Promise<void> {
    await this.#attacher.connect(attached(run, container), endpoint, told);
    run.endpoints.push(endpoint);
  }

  async #start(
    run: Run,
    { container, endpoints = [], startFailure }: Extract<Action, { type: 'StartContainer' }>,
    told: (healing: Healing) => void,
  ): Promise<void> {
    const subject = { ...attached(run, container), ...(startFailure ? { startFailure } : {}) };
    await this.#attacher.start(subject, [...run.endpoints, ...endpoints], told);
    for (const { network } of run.endpoints) if (network.id === undefined) told(attachedByName(network));
  }

  async #verify(id: string, mayEnd: boolean): Promise<void> {
    const { engine, clock } = this.#deps;
    const until = clock.monotonic() + VERIFY_MS;
    for (;;) {
      const { state, exitCode } = await engine.containerState(id);
      if (state === 'exited' && exitCode === 0 && mayEnd) return;
      // Somebody paused it: it lives, and the next round sees to that.
      if (state === 'paused') return;
      if (state !== 'running') {
        throw new OvrError(
          'container-exited',
          'invalid',
          `the new container did not stay up: ${state}, exit code ${exitCode}`,
        );
      }
      if (clock.monotonic() >= until) return;
      await pause(clock, VERIFY_POLL_MS);
    }
  }
}

/** The container that is made after others made room for it. */
function roomMadeFor({ steps }: ObjectPlan): CreateContainer | undefined {
  const index = steps.findIndex(({ type }) => type === 'CreateContainer');
  const action = steps[index];
  const makesRoom = steps.slice(0, Math.max(index, 0)).some(({ type }) => type !== 'EnsureImage');
  return action?.type === 'CreateContainer' && makesRoom ? action : undefined;
}

function idOf(run: Run, container: ContainerRef): string {
  const id = container.id ?? run.madeId;
  if (id === undefined)
    throw new OvrError('not-found', 'transient', `container ${container.name} was not made`);
  return id;
}

/** Swarm mode has lost an attachment: what is left is to make it again. */
function noteLost(run: Run, action: Action, { code }: OvrError): void {
  if (action.type === 'DisconnectEndpoint' && code === 'attachment-lost') run.lost.add(action.network.name);
}

function healingsOf(run: Run, action: Action): Healing[] {
  const planned = healingOf(action);
  const isAgain = action.type === 'ConnectEndpoint' && run.lost.delete(action.endpoint.network.name);
  if (!isAgain) return planned ? [planned] : [];
  const saw = `Swarm mode had lost the attachment of ${action.container.name} to ${action.endpoint.network.name}`;
  return [...(planned ? [planned] : []), { playbook: 'reattach', saw, did: 'attached it anew' }];
}

function attached(run: Run, container: ContainerRef): Attached {
  const { replacesEndpoints = false } = run.plan;
  return { id: idOf(run, container), name: container.name, replacesEndpoints };
}

function asOvrError(thrown: unknown): OvrError {
  if (thrown instanceof OvrError) return thrown;
  return new OvrError('engine-error', 'transient', errorMessage(thrown), { cause: thrown });
}
