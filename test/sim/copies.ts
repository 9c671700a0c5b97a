import { objectKey, readOwnership } from '../../pkg/api/index.ts';
import { literalNode } from '../../pkg/constraint/index.ts';
import type { Revision } from '../../pkg/manifest/index.ts';
import type { Machine } from './machine.ts';
import type { Simulation } from './simulation.ts';

/** An engine may take this long to stop what its agent has it stop: calls, retries, rounds. */
const MEND_MS = 20_000;

/**
 * A container that a manifest has just made movable may still run where it was pinned, by agents that read the manifests later: nothing tells
 * the leader of it.
 */
const SETTLED_MS = 180_000;

/**
 * At most one: a container that moves on node failure runs once among the nodes in good standing, and a node that was cut off for too long
 * has stopped its own.
 */
export class CopyCheck {
  readonly #sim: Simulation;

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  /** Notes how a machine stands now. */
  track(machine: Machine): void {
    const { sessionTimeoutMs, fenceMs } = this.#sim;
    machine.look({ sessionTimeoutMs, fenceMs, mendMs: MEND_MS });
  }

  check(): void {
    const { machines } = this.#sim;
    const copies = new Map<string, Machine[]>();
    for (const machine of machines) {
      this.track(machine);
      for (const name of this.#running(machine)) {
        if (machine.isInGoodStanding) copies.set(name, [...(copies.get(name) ?? []), machine]);
        else this.#checkFence(machine, name);
      }
    }
    for (const [name, holders] of copies) {
      if (holders.length < 2) continue;
      this.#sim.break(
        'at most one copy',
        `${name} runs on ${holders.map((holder) => holder.name).join(' and ')}`,
      );
    }
  }

  /** Whoever could act since the lease was lost has acted. */
  #checkFence(machine: Machine, name: string): void {
    const { fenceMs, queue } = this.#sim;
    if (!machine.knowsBindings) return;
    const sinceMs = Math.max((machine.contactMs ?? machine.bootedMs) + fenceMs, machine.bootedMs);
    const lateMs = queue.nowMs - sinceMs;
    if (lateMs < MEND_MS || !machine.hasBeenAble(Math.min(lateMs, 2 * MEND_MS))) return;
    this.#sim.break(
      'self-fencing',
      `${name} still runs on ${machine.name}, ${lateMs} ms after its lease was lost`,
    );
  }

  /** Owned containers that run here and that, as all here have known for a while, the cluster may give to another node. */
  #running(machine: Machine): string[] {
    if (!this.#sim.isCluster || machine.isOff) return [];
    const states = machine.folder.since(this.#sim.queue.nowMs - MEND_MS);
    return [...machine.host.containers.values()].flatMap(({ state, labels, name }) => {
      const owner = readOwnership(labels);
      if (state !== 'running' || owner?.cluster !== 'sim' || owner.name !== name) return [];
      if (!this.#sim.checker.hasBeenMovable(owner.name, SETTLED_MS)) return [];
      return states.every(({ revision }) => mayMove(revision, owner.name)) ? [owner.name] : [];
    });
  }
}

export function mayMove(revision: Revision | undefined, name: string): boolean {
  const object = revision?.objects.get(objectKey('Container', name));
  if (object?.kind !== 'Container') return false;
  return (
    object.spec.reschedule === 'on-node-failure' && literalNode(object.spec.nodeConstraint) === undefined
  );
}
