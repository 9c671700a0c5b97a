import { compareStrings, objectKey } from '../api/index.ts';
import { literalNode } from '../constraint/index.ts';
import type { ContainerObject, Revision } from '../manifest/index.ts';
import type { Share } from './bindings.ts';
import { place, type Placement, type PlacementNode, type Strategy } from '../placement/index.ts';

/** Everything that a decision depends on. */
export interface DecideInput {
  readonly revision: Revision;
  /** The revision may lack something: what it lacks stays bound. */
  readonly isInDoubt: boolean;
  readonly shares: ReadonlyMap<string, Share>;
  readonly nodes: readonly PlacementNode[];
  readonly lost: ReadonlySet<string>;
  /** Nodes that say they have a container, by its name: asked for only while bindings may have been lost. */
  readonly reported: ReadonlyMap<string, ReadonlySet<string>>;
  /** Whether a node is known not to run a container any more that it had to give up. */
  readonly gaveUp: (container: string, node: string) => boolean;
  /** Whether a node is known to run a container that it has inherited. */
  readonly runs: (container: string, node: string) => boolean;
  /** Why a container that nobody is known to have may not be placed now; absent when it may. */
  readonly hold?: string;
  readonly strategy: Strategy;
}

export interface Decided {
  /** For every node in `shares` and every one that gets something; sorted. */
  readonly shares: ReadonlyMap<string, Share>;
  /** Why containers have no node, without those that are on their way to one. */
  readonly unplaced: ReadonlyMap<string, string>;
  /** The new nodes of containers that nobody had but nodes that are lost: these only wait for `shares` to be written. */
  readonly waiting: ReadonlyMap<string, string>;
}

/**
 * Decides which node gets what. Pure.
 *
 * A container that moves on node failure may run once at most, so it moves in two steps: first it is taken from the old node, and stays
 * written down there as leaving; when that node has shown that it does not run it any more, or is lost, it is given to the new one. A new
 * leader finds a move in the bindings just as the old one left it. Other containers move in one step.
 */
export function decide(input: DecideInput): Decided {
  return new Deciding(input).run();
}

/**
 * What is decided next, once `shares` are written and the lost nodes are known to be absent still: their containers get their new nodes.
 * Deciding anew comes to this too, and looks at everything again.
 */
export function handOver({ shares, unplaced, waiting }: Decided): Decided {
  const byNode = new Map<string, string[]>();
  for (const [name, node] of waiting) {
    const names = byNode.get(node);
    if (names) names.push(name);
    else byNode.set(node, [name]);
  }
  const given = [...byNode].map(([node, more]): [string, Share] => {
    const { names, leaving, inherited } = shares.get(node) ?? NOTHING;
    return [
      node,
      {
        names: [...names, ...more].sort(compareStrings),
        leaving,
        inherited: [...inherited, ...more].sort(compareStrings),
      },
    ];
  });
  return { shares: new Map([...shares, ...given]), unplaced, waiting: new Map() };
}

interface Target {
  readonly names: Set<string>;
  readonly leaving: Set<string>;
  readonly inherited: Set<string>;
}

const NOTHING: Share = { names: [], leaving: [], inherited: [] };

/** What a revision asks a leader to place. */
interface Workload {
  readonly containers: readonly ContainerObject[];
  /** Those that are not pinned to one node. */
  readonly free: readonly ContainerObject[];
}

/** A revision never changes, and a leader decides on the same one again and again. */
const workloads = new WeakMap<Revision, Workload>();

function workloadOf(revision: Revision): Workload {
  const known = workloads.get(revision);
  if (known) return known;
  const containers = [...revision.objects.values()].filter((object) => object.kind === 'Container');
  const free = containers.filter(({ spec }) => literalNode(spec.nodeConstraint) === undefined);
  const made = { containers, free };
  workloads.set(revision, made);
  return made;
}

/** Most containers stay where they are in most decisions: what is known of those is looked up and nothing is made for them. */
class Deciding {
  readonly #input: DecideInput;
  /** The node that a container is bound to. Of several, which only somebody else can have written, the first. */
  readonly #owner = new Map<string, string>();
  /** All nodes of those that are bound to several. */
  readonly #owners = new Map<string, string[]>();
  readonly #leaving = new Map<string, Set<string>>();
  /** Nodes whose share may be another one than before. */
  readonly #targets = new Map<string, Target>();
  readonly #unplaced = new Map<string, string>();
  readonly #waiting = new Map<string, string>();

  constructor(input: DecideInput) {
    this.#input = input;
    let bound = 0;
    for (const [node, { names, leaving }] of input.shares) {
      for (const name of names) this.#owner.set(name, node);
      bound += names.length;
      for (const name of leaving) this.#leaving.set(name, (this.#leaving.get(name) ?? new Set()).add(node));
    }
    if (bound > this.#owner.size) this.#findOwners();
  }

  run(): Decided {
    const { containers, free } = workloadOf(this.#input.revision);
    this.#place(containers, free);
    this.#endLeaving();
    return { shares: this.#result(), unplaced: this.#unplaced, waiting: this.#waiting };
  }

  #findOwners(): void {
    const all = new Map<string, Set<string>>();
    for (const [node, { names }] of this.#input.shares) {
      for (const name of names) all.set(name, (all.get(name) ?? new Set()).add(node));
    }
    for (const [name, nodes] of all) {
      const [owner = '', ...others] = [...nodes].sort(compareStrings);
      this.#owner.set(name, owner);
      if (others.length > 0) this.#owners.set(name, [owner, ...others]);
    }
  }

  #ownersOf(name: string): readonly string[] {
    const owner = this.#owner.get(name);
    return this.#owners.get(name) ?? (owner === undefined ? [] : [owner]);
  }

  /** What is bound and is nobody's to bind any more: gone from the manifests, or pinned by them now. */
  #dropOthers(free: readonly ContainerObject[]): void {
    const { revision, isInDoubt } = this.#input;
    const names = new Set(free.map(({ name }) => name));
    for (const name of this.#owner.keys()) {
      if (names.has(name)) continue;
      const key = objectKey('Container', name);
      const isUnknown = !revision.objects.has(key);
      if (isUnknown && (isInDoubt || revision.undecided.has(key))) continue;
      for (const owner of this.#ownersOf(name)) this.#take(name, owner);
    }
  }

  #place(containers: readonly ContainerObject[], free: readonly ContainerObject[]): void {
    const { nodes, lost, strategy, hold } = this.#input;
    const current = this.#currentNodes();
    const isHeldBack = ({ name }: ContainerObject): boolean => hold !== undefined && !this.#isKnown(name);
    const held = new Set(hold === undefined ? [] : free.filter(isHeldBack).map(({ name }) => name));
    const placed = held.size === 0 ? containers : containers.filter(({ name }) => !held.has(name));
    const placement = place({ containers: placed, nodes, current, lost, strategy });
    for (const name of held) this.#unplaced.set(name, hold ?? '');
    for (const [name, reason] of placement.unplaced) this.#unplaced.set(name, reason);
    const homeless = this.#bindAll(placement, current, free);
    const owned = free.length - held.size - homeless;
    if (owned < this.#owner.size) this.#dropOthers(free);
  }

  /**
   * Looks at each container that moves or has no node, or of which there is more to know than its one node; all others stay. Returns how
   * many of these are bound nowhere yet.
   */
  #bindAll(
    { moved, unplaced }: Placement,
    current: ReadonlyMap<string, string>,
    free: readonly ContainerObject[],
  ): number {
    const { reported } = this.#input;
    const unusual = [this.#owners, this.#leaving, reported].flatMap((each) => [...each.keys()]);
    const names = new Set([...moved.keys(), ...unplaced.keys(), ...unusual]);
    let homeless = 0;
    for (const container of this.#named(names, free)) {
      const { name } = container;
      const stays = unplaced.has(name) ? undefined : current.get(name);
      const target = moved.get(name) ?? stays;
      if (!this.#owner.has(name)) homeless += 1;
      if (this.#isKnown(name)) this.#bind(container, target);
      else if (target !== undefined) this.#target(target).names.add(name);
    }
    return homeless;
  }

  /** Those of these names that are free: one by one, or all looked through where that takes less. */
  #named(names: ReadonlySet<string>, free: readonly ContainerObject[]): readonly ContainerObject[] {
    if (names.size * 4 > free.length) return free.filter(({ name }) => names.has(name));
    const { objects } = this.#input.revision;
    return [...names]
      .map((name) => objects.get(objectKey('Container', name)))
      .filter((object) => object?.kind === 'Container')
      .filter(({ spec }) => literalNode(spec.nodeConstraint) === undefined);
  }

  /** Whether anything tells where a container is. */
  #isKnown(name: string): boolean {
    return this.#owner.has(name) || this.#leaving.has(name) || this.#input.reported.has(name);
  }

  /** The node that each container is on: as reported where that was asked for, else as bound, else where it is leaving and could stay. */
  #currentNodes(): ReadonlyMap<string, string> {
    const { reported } = this.#input;
    if (reported.size === 0 && this.#leaving.size === 0) return this.#owner;
    const current = new Map(this.#owner);
    for (const [name, nodes] of this.#leaving) {
      const [node] = nodes;
      if (nodes.size === 1 && node !== undefined && !current.has(name)) current.set(name, node);
    }
    for (const [name, nodes] of reported) {
      const owner = this.#owner.get(name);
      const node = first(nodes);
      if (node !== undefined && (owner === undefined || !nodes.has(owner))) current.set(name, node);
    }
    return current;
  }

  #bind({ name, spec }: ContainerObject, target: string | undefined): void {
    const runsOnce = spec.reschedule === 'on-node-failure';
    const reported = this.#input.reported.get(name) ?? new Set<string>();
    this.#takeFromOthers(name, target, runsOnce);
    // Bindings were lost, and with them whose it was: who says to have it may run it just as if it had been bound there.
    if (runsOnce) for (const node of reported) if (node !== target) this.#take(name, node);
    if (target === undefined) return;
    const isThere = this.#ownersOf(name).includes(target) || reported.has(target);
    if (isThere || !runsOnce || !this.#mayRunElsewhere(name, target)) this.#give(name, target, isThere);
    else if (this.#onlyLostHave(name, target)) this.#waiting.set(name, target);
  }

  #takeFromOthers(name: string, target: string | undefined, runsOnce: boolean): void {
    for (const owner of this.#ownersOf(name)) {
      if (owner === target) continue;
      if (runsOnce || target === undefined) this.#take(name, owner);
      else this.#target(owner).names.delete(name);
    }
  }

  #give(name: string, node: string, isThere: boolean): void {
    const share = this.#target(node);
    if (!isThere && this.#comesFromLost(name, node)) share.inherited.add(name);
    share.names.add(name);
    share.leaving.delete(name);
  }

  /** Whether a node other than the target may still be running it. What was taken just now is not known to have ended. */
  #mayRunElsewhere(name: string, target: string): boolean {
    const { gaveUp, reported } = this.#input;
    const before = this.#leaving.get(name) ?? new Set();
    const having = [...this.#ownersOf(name), ...(reported.get(name) ?? [])];
    if (having.some((node) => node !== target)) return true;
    return [...before].some((node) => node !== target && !gaveUp(name, node));
  }

  /** Whether all others that may run it are lost. */
  #onlyLostHave(name: string, target: string): boolean {
    const { lost, reported } = this.#input;
    const having = [
      ...this.#ownersOf(name),
      ...(this.#leaving.get(name) ?? []),
      ...(reported.get(name) ?? []),
    ];
    return having.every((node) => node !== target && lost.has(node));
  }

  #comesFromLost(name: string, target: string): boolean {
    const before = [...this.#ownersOf(name), ...(this.#leaving.get(name) ?? [])];
    return before.some((node) => node !== target && this.#input.lost.has(node));
  }

  #take(name: string, node: string): void {
    const share = this.#target(node);
    share.names.delete(name);
    share.leaving.add(name);
  }

  /** Forgets what has left. What a lost node had may still be there when it is back: that is only forgotten once it has said so. */
  #endLeaving(): void {
    const { gaveUp, lost } = this.#input;
    for (const [name, nodes] of this.#leaving) {
      for (const node of nodes) {
        if (!lost.has(node) && gaveUp(name, node)) this.#target(node).leaving.delete(name);
      }
    }
  }

  #target(node: string): Target {
    const known = this.#targets.get(node);
    if (known) return known;
    const { names, leaving, inherited } = this.#input.shares.get(node) ?? NOTHING;
    const made: Target = {
      names: new Set(names),
      leaving: new Set(leaving),
      inherited: new Set(inherited),
    };
    this.#targets.set(node, made);
    return made;
  }

  /** The very share of before where nothing is different. */
  #result(): Map<string, Share> {
    const { shares } = this.#input;
    const nodes = [...new Set([...shares.keys(), ...this.#targets.keys()])].sort(compareStrings);
    return new Map(nodes.map((node) => [node, this.#share(node, shares.get(node))]));
  }

  #share(node: string, before: Share | undefined): Share {
    const runs = (name: string): boolean => this.#input.runs(name, node);
    if (before && !this.#targets.has(node) && !before.inherited.some(runs)) return before;
    const { names, leaving, inherited } = this.#target(node);
    return {
      names: [...names].sort(compareStrings),
      leaving: [...leaving].sort(compareStrings),
      inherited: [...inherited].filter((name) => names.has(name) && !runs(name)).sort(compareStrings),
    };
  }
}

function first(names: ReadonlySet<string>): string | undefined {
  return [...names].sort(compareStrings)[0];
}
