import { OvrError } from '../../pkg/api/index.ts';
import type { CoordinationStore, StoreEvent, Watch } from '../../pkg/cluster/index.ts';
import type { Engine, EngineEvent, StateStore } from '../../pkg/reconcile/index.ts';
import type { Machine } from './machine.ts';

/** What each external call of a process goes through: it may be the last one, and a frozen process hears of nothing. */
export interface Guard {
  readonly isDead: () => boolean;
  /** Does the call; never resolves for a process that died. */
  call<Result>(what: () => string, effect: () => Promise<Result>): Promise<Result>;
  /** Something came from outside: runs now, after the thaw, or never. */
  hear(run: () => void): void;
}

function text(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner instanceof Set) return [...(inner as Set<unknown>)];
    return inner;
  });
}

/** The engine as one process sees it. */
export function guardEngine(machine: Machine, guard: Guard): Engine {
  const { engine } = machine.host;
  const call = <Result>(
    operation: string,
    args: readonly unknown[],
    effect: () => Promise<Result>,
  ): Promise<Result> => guard.call(() => `engine.${operation} ${text(args)}`, effect);
  return {
    facts: () =>
      call('facts', [], async () => {
        await engine.facts();
        return machine.facts();
      }),
    observe: (busy) =>
      call('observe', [], async () => ({ ...(await engine.observe(busy)), engine: machine.facts() })),
    watch: (listener) => {
      const watch = engine.watch((event: EngineEvent) => guard.hear(() => listener(event)));
      return watch;
    },
    createNetwork: (network) => call('createNetwork', [network.name], () => engine.createNetwork(network)),
    removeNetwork: (id) => call('removeNetwork', [id], () => engine.removeNetwork(id)),
    inspectNetwork: (network) => call('inspectNetwork', [network], () => engine.inspectNetwork(network)),
    dropEndpoint: (name, network) =>
      call('dropEndpoint', [name, network], () => engine.dropEndpoint(name, network)),
    ensureImage: (image, policy) => call('ensureImage', [image], () => engine.ensureImage(image, policy)),
    createContainer: (container, env) =>
      call('createContainer', [container.name], () => engine.createContainer(container, env)),
    startContainer: (id) => call('startContainer', [id], () => engine.startContainer(id)),
    stopContainer: (id, graceMs) => call('stopContainer', [id], () => engine.stopContainer(id, graceMs)),
    unpauseContainer: (id) => call('unpauseContainer', [id], () => engine.unpauseContainer(id)),
    renameContainer: (id, name) =>
      call('renameContainer', [id, name], () => engine.renameContainer(id, name)),
    updateContainer: (id, update) =>
      call('updateContainer', [id, update], () => engine.updateContainer(id, update)),
    removeContainer: (id) => call('removeContainer', [id], () => engine.removeContainer(id)),
    containerState: (id) => call('containerState', [id], () => engine.containerState(id)),
    containerSeat: (id) => call('containerSeat', [id], () => engine.containerSeat(id)),
    connect: (id, endpoint) => call('connect', [id, endpoint], () => engine.connect(id, endpoint)),
    disconnect: (id, network, force) =>
      call('disconnect', [id, network, force], () => engine.disconnect(id, network, force)),
  };
}

/** One file on the machine's disk: what was written before a crash is there after it, whole. */
export function guardDisk(machine: Machine, file: string, guard: Guard): StateStore {
  return {
    load: () =>
      guard.call(
        () => `disk.load ${file}`,
        () => {
          const saved = machine.disk.get(file);
          const parsed: unknown = saved === undefined ? undefined : JSON.parse(saved);
          return Promise.resolve(parsed);
        },
      ),
    save: (state) => {
      const written = JSON.stringify(state);
      return guard.call(
        () => `disk.save ${file} ${written.length}`,
        () => {
          if (machine.isDiskFull) {
            return Promise.reject(
              new OvrError('state-unwritable', 'transient', `cannot write ${file}: no space left on device`),
            );
          }
          machine.disk.set(file, written);
          return Promise.resolve();
        },
      );
    },
  };
}

/** Who is told what an agent learns from the coordinator. */
export interface StoreEar {
  /** Whether the agent has seen its membership over the present connection. */
  readonly member: (isMember: boolean) => void;
  readonly read: (path: string, data: string) => void;
}

/** The coordinator as one process sees it. */
export function guardStore(
  store: CoordinationStore,
  guard: Guard,
  { member, read }: StoreEar,
): CoordinationStore {
  const watching = (watch: Watch | undefined): Watch | undefined => watch && (() => guard.hear(watch));
  return {
    start: (listener) => {
      store.start((event: StoreEvent) => {
        guard.hear(() => {
          member(false);
          listener(event);
        });
      });
    },
    stop: () =>
      guard.call(
        () => 'store.stop',
        () => store.stop(),
      ),
    lastContactMs: () => store.lastContactMs(),
    sessionTimeoutMs: () => store.sessionTimeoutMs(),
    get: async (path, watch) => {
      const znode = await guard.call(
        () => `store.get ${path}`,
        () => store.get(path, watching(watch)),
      );
      if (path.startsWith('members/') && znode?.mine === true) member(true);
      if (znode) read(path, znode.data);
      return znode;
    },
    children: (path, watch) =>
      guard.call(
        () => `store.children ${path}`,
        () => store.children(path, watching(watch)),
      ),
    commit: (writes) =>
      guard.call(
        () => `store.commit ${text(writes)}`,
        () => store.commit(writes),
      ),
    createSequential: (folder, prefix, data) =>
      guard.call(
        () => `store.createSequential ${folder}/${prefix}`,
        () => store.createSequential(folder, prefix, data),
      ),
  };
}
