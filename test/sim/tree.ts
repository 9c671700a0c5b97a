import type { StoreWrite } from '../../pkg/cluster/index.ts';
import { mayLeave } from './movement.ts';
import type { Simulation } from './simulation.ts';

/** What the leader had said at one time. */
interface Said {
  /** Nodes by container name. */
  readonly bound: ReadonlyMap<string, readonly string[]>;
  /** Digest of the revision it had decided on. */
  readonly revision: string | undefined;
  readonly unplaced: ReadonlySet<string>;
}

interface Document {
  readonly epoch?: number;
  readonly names?: readonly string[];
  readonly leaving?: readonly string[];
  readonly revision?: string;
  readonly unplaced?: Readonly<Record<string, string>>;
}

const NOTHING: Said = { bound: new Map(), revision: undefined, unplaced: new Set() };
const KEPT = 400;
/** Long enough for a leader to put together what a wiped or restored coordinator has forgotten. */
const RECOVERY_MS = 300_000;

/** What the tree of the coordinator must be like after each commit, and what it has said. */
export class TreeCheck {
  readonly #sim: Simulation;
  #said: Said = NOTHING;
  readonly #past: { readonly said: Said; readonly untilMs: number }[] = [];
  #highestEpoch = 0;
  #replacedMs = -Infinity;
  /** Commits by anybody that changed something. */
  commits = 0;

  constructor(sim: Simulation) {
    this.#sim = sim;
    sim.coordinator.committed = ({ client, session, request }) => {
      this.commits += 1;
      const writes = request.type === 'commit' ? request.writes : [];
      const what = request.type === 'createSequential' ? request.folder : writes.flatMap(shorten).join(' ');
      sim.trace.tell(client, `commits ${what} (${session})`);
      const changed = writes.filter(({ type }) => type !== 'check').map(({ path }) => path);
      if (!changed.some(isLeaders)) return;
      this.#checkLeader(client, session, changed.includes('epoch'));
      this.#read();
    };
  }

  /** Where the tree binds a container now. */
  boundTo(name: string): readonly string[] {
    return this.#said.bound.get(name) ?? [];
  }

  /** Whether at some time since then the leader, having decided on that revision, had a container run on another node. */
  wasElsewhere(name: string, where: { node: string; revision: string; sinceMs: number }): boolean {
    const past = this.#past.filter(({ untilMs }) => untilMs >= where.sinceMs).map(({ said }) => said);
    return [...past, this.#said].some(
      ({ bound, revision, unplaced }) =>
        revision === where.revision && !unplaced.has(name) && !bound.get(name)?.includes(where.node),
    );
  }

  /** Wiped or rolled back. */
  replaced(): void {
    this.#highestEpoch = 0;
    this.#replacedMs = this.#sim.queue.nowMs;
    this.#read();
  }

  /** Who decides must own the first candidate, and hold the newest epoch. */
  #checkLeader(client: string, session: string, isTakingOver: boolean): void {
    const { coordinator } = this.#sim;
    const entries = coordinator.entries();
    const numberOf = (path: string): number => Number(/\d+$/.exec(path)?.[0] ?? Infinity);
    const [first] = entries
      .map(([path]) => path)
      .filter((path) => path.startsWith('leader/'))
      .sort((a, b) => numberOf(a) - numberOf(b));
    const owner = first === undefined ? undefined : coordinator.ownerOf(first);
    if (owner !== session) {
      const who =
        first === undefined ? 'there is no candidate' : `the first candidate is ${first} of ${owner ?? ''}`;
      this.#sim.break('no writes by a deposed leader', `${client} (${session}) decides, but ${who}`);
    }
    const data = entries.find(([path]) => path === 'epoch')?.[1];
    const epoch = parse(data ?? '').epoch ?? 0;
    if (epoch < this.#highestEpoch || (isTakingOver && epoch === this.#highestEpoch)) {
      this.#sim.break('epochs go up', `epoch ${epoch} after ${this.#highestEpoch}, by ${client}`);
    }
    this.#highestEpoch = epoch;
  }

  /** A container that may stay where it is stays there. */
  #checkMoves(before: Said['bound'], after: Said['bound']): void {
    for (const [name, nodes] of before) {
      for (const node of nodes) {
        if (after.get(name)?.includes(node) || mayLeave(this.#sim, name, node)) continue;
        this.#sim.break('nothing moves without need', `${name} is taken from ${node}, where it may stay`);
      }
    }
  }

  /** Where everything is bound now: at most one node each. */
  #read(): void {
    const bound = new Map<string, string[]>();
    let decision: Document = {};
    for (const [path, data] of this.#sim.coordinator.entries()) {
      if (path === 'decision') decision = parse(data);
      if (!path.startsWith('bindings/')) continue;
      const node = path.slice('bindings/'.length).split('+')[0]!;
      for (const name of parse(data).names ?? []) bound.set(name, [...(bound.get(name) ?? []), node]);
    }
    const before = this.#said.bound;
    this.#past.push({ said: this.#said, untilMs: this.#sim.queue.nowMs });
    if (this.#past.length > KEPT) this.#past.shift();
    const unplaced = new Set(Object.keys(decision.unplaced ?? {}));
    this.#said = { bound, revision: decision.revision, unplaced };
    if (this.#sim.queue.nowMs - this.#replacedMs > RECOVERY_MS) this.#checkMoves(before, bound);
    for (const [name, nodes] of bound) {
      if (nodes.length > 1) this.#sim.break('one binding', `${name} is bound to ${nodes.join(' and ')}`);
    }
  }
}

function isLeaders(path: string): boolean {
  return path === 'decision' || path === 'epoch' || path.startsWith('bindings/');
}

function parse(data: string): Document {
  return data === '' ? {} : (JSON.parse(data) as Document);
}

/** A write for the story. */
function shorten(write: StoreWrite): string[] {
  if (write.type === 'check') return [];
  if (write.type === 'remove') return [`-${write.path}`];
  if (!isLeaders(write.path) || write.path === 'epoch') return [write.path];
  const { names, leaving = [], revision, unplaced = {} } = parse(write.data);
  if (revision !== undefined) return [`decision=${revision.slice(0, 8)}[${Object.keys(unplaced).join()}]`];
  return [`${write.path}=[${(names ?? []).join()}]${leaving.length > 0 ? `-[${leaving.join()}]` : ''}`];
}
