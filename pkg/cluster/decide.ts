import { compareStrings, objectKey } from '../api/index.ts';
import { literalNode } from '../constraint/index.ts';
import type { ContainerObject, Revision } from '../manifest/index.ts';
import { place, type PlacementNode, type Strategy } from '../placement/index.ts';

/** Names of containers on one node. */
export interface Share {
  readonly names: readonly string[];
  /** Taken from it, and not known to have ended there. */
  readonly leaving: readonly string[];
  /** Come from a lost node, and not known to run yet: what that node left in a cluster store may be in their way. */
  readonly inherited: readonly string[];
}

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

interface Target {
  readonly names: Set<string>;
  readonly leaving: Set<string>;
  readonly inherited: Set<string>;
}

class Deciding {
  readonly #input: DecideInput;
  /** Nodes that a container is bound to: one, unless somebody else wrote. */
  readonly #owners = new Map<string, string[]>();
  readonly #leaving = new Map<string, Set<string>>();
  readonly #targets = new Map<string, Target>();
  readonly #unplaced = new Map<string, string>();

  constructor(input: DecideInput) {
    this.#input = input;
    for (const [node, { names, leaving, inherited }] of input.shares) {
      this.#targets.set(node, {
        names: new Set(names),
        leaving: new Set(leaving),
        inherited: new Set(inherited),
      });
      for (const name of names) this.#owners.set(name, [...(this.#owners.get(name) ?? []), node]);
      for (const name of leaving) this.#leaving.set(name, (this.#leaving.get(name) ?? new Set()).add(node));
    }
    for (const owners of this.#owners.values()) owners.sort(compareStrings);
  }

  run(): Decided {
    const { revision } = this.#input;
    const containers = [...revision.objects.values()].filter((object) => object.kind === 'Container');
    const free = containers.filter(({ spec }) => literalNode(spec.nodeConstraint) === undefined);
    this.#dropOthers(new Set(free.map(({ name }) => name)));
    this.#place(containers, free);
    this.#endLeaving();
    return { shares: this.#result(), unplaced: this.#unplaced };
  }

  /** What is bound and is nobody's to bind any more: gone from the manifests, or pinned by them now. */
  #dropOthers(free: ReadonlySet<string>): void {
    const { revision, isInDoubt } = this.#input;
    for (const [name, owners] of this.#owners) {
      if (free.has(name)) continue;
      const key = objectKey('Container', name);
      const isUnknown = !revision.objects.has(key);
      if (isUnknown && (isInDoubt || revision.undecided.has(key))) continue;
      for (const owner of owners) this.#take(name, owner);
    }
  }

  #place(containers: readonly ContainerObject[], free: readonly ContainerObject[]): void {
    const { nodes, lost, strategy, hold } = this.#input;
    const current = new Map<string, string>();
    for (const { name } of free) {
      const node = this.#current(name);
      if (node !== undefined) current.set(name, node);
    }
    const isHeldBack = ({ name }: ContainerObject): boolean => hold !== undefined && !this.#isKnown(name);
    const held = new Set(free.filter(isHeldBack).map(({ name }) => name));
    const placed = containers.filter(({ name }) => !held.has(name));
    const placement = place({ containers: placed, nodes, current, lost, strategy });
    for (const name of held) this.#unplaced.set(name, hold ?? '');
    for (const [name, reason] of placement.unplaced) this.#unplaced.set(name, reason);
    for (const container of free) {
      if (!held.has(container.name)) this.#bind(container, placement.bindings.get(container.name));
    }
  }

  /** Whether anything tells where a container is. */
  #isKnown(name: string): boolean {
    return this.#owners.has(name) || this.#leaving.has(name) || this.#input.reported.has(name);
  }

  /** The node that a container is on: as reported where that was asked for, else as bound, else where it is leaving and could stay. */
  #current(name: string): string | undefined {
    const owner = this.#owners.get(name)?.[0];
    const reported = this.#input.reported.get(name);
    if (reported && (owner === undefined || !reported.has(owner))) return first(reported);
    if (owner !== undefined) return owner;
    const leaving = this.#leaving.get(name);
    return leaving?.size === 1 ? first(leaving) : undefined;
  }

  #bind({ name, spec }: ContainerObject, target: string | undefined): void {
    const runsOnce = spec.reschedule === 'on-node-failure';
    const reported = this.#input.reported.get(name) ?? new Set<string>();
    this.#takeFromOthers(name, target, runsOnce);
    // Bindings were lost, and with them whose it was: who says to have it may run it just as if it had been bound there.
    if (runsOnce) for (const node of reported) if (node !== target) this.#take(name, node);
    if (target === undefined) return;
    const isThere = this.#owners.get(name)?.includes(target) === true || reported.has(target);
    if (isThere || !runsOnce || !this.#mayRunElsewhere(name, target)) this.#give(name, target, isThere);
  }

  #takeFromOthers(name: string, target: string | undefined, runsOnce: boolean): void {
    for (const owner of this.#owners.get(name) ?? []) {
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
    const having = [...(this.#owners.get(name) ?? []), ...(reported.get(name) ?? [])];
    if (having.some((node) => node !== target)) return true;
    return [...before].some((node) => node !== target && !gaveUp(name, node));
  }

  #comesFromLost(name: string, target: string): boolean {
    const before = [...(this.#owners.get(name) ?? []), ...(this.#leaving.get(name) ?? [])];
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
    const made: Target = { names: new Set(), leaving: new Set(), inherited: new Set() };
    this.#targets.set(node, made);
    return made;
  }

  #result(): Map<string, Share> {
    const sorted = [...this.#targets].sort(([a], [b]) => compareStrings(a, b));
    return new Map(
      sorted.map(([node, { names, leaving, inherited }]) => [
        node,
        {
          names: [...names].sort(compareStrings),
          leaving: [...leaving].sort(compareStrings),
          inherited: [...inherited]
            .filter((name) => names.has(name) && !this.#input.runs(name, node))
            .sort(compareStrings),
        },
      ]),
    );
  }
}

function first(names: ReadonlySet<string>): string | undefined {
  return [...names].sort(compareStrings)[0];
}
