import { objectKey, readOwnership } from '../../pkg/api/index.ts';
import { checkConstraints, literalNode } from '../../pkg/constraint/index.ts';
import type { ContainerObject, Revision } from '../../pkg/manifest/index.ts';
import { comingName, parkedName } from '../../pkg/plan/index.ts';
import type { ContainerRecord, EngineCall } from '../../pkg/reconcile/simulated/index.ts';
import { normaliseAliases } from '../../pkg/state/index.ts';
import { AddressBook } from './address-book.ts';
import type { Machine } from './machine.ts';
import type { Simulation } from './simulation.ts';
import type { TreeCheck } from './tree.ts';

/** Steps may run this long after what they were planned on: slow engines, busy lanes. */
const MEMORY_MS = 90_000;
/** What an agent knew when it lost contact may be a little older than that. */
const HEARSAY_MS = 10_000;

/** A revision, and whether what it lacks is meant to be gone. */
interface Planned extends Revision {
  readonly saysAbsent: boolean;
}

type Destructive = 'stopContainer' | 'removeContainer' | 'disconnect';

/** Says for each call that takes something away what allows it, from manifests and bindings alone, not by what the agent thought. */
export class Evidence {
  readonly #sim: Simulation;
  readonly #tree: TreeCheck;
  readonly #addresses = new AddressBook();

  constructor(sim: Simulation, tree: TreeCheck) {
    this.#sim = sim;
    this.#tree = tree;
  }

  check(call: EngineCall, machine: Machine): void {
    const { operation } = call;
    this.#addresses.look(machine);
    if (operation === 'removeNetwork') this.#checkNetwork(call, machine);
    if (operation === 'createContainer') this.#checkCreate(call, machine);
    if (operation === 'startContainer') this.#checkStart(call, machine);
    if (operation !== 'stopContainer' && operation !== 'removeContainer' && operation !== 'disconnect')
      return;
    const container = findContainer(machine, call.args[0]);
    if (!container) return;
    const why = this.#why(operation, call, { machine, container });
    if (why !== undefined) return;
    this.#sim.break(
      'no removal without evidence',
      `${operation} of ${container.name} on ${machine.name}: no manifest, binding or lost lease asks for it`,
    );
  }

  /** Sees how a machine stands between the calls of its agent. */
  look(machine: Machine): void {
    this.#addresses.look(machine);
  }

  /** For the story. */
  describe(call: EngineCall, machine: Machine): string {
    const container = findContainer(machine, call.args[0]);
    const [first, second] = call.args;
    const subject = container?.name ?? nameOf(first);
    return `${call.operation} ${subject} ${nameOf(second)}`.trimEnd();
  }

  #why(
    operation: Destructive,
    call: EngineCall,
    where: { machine: Machine; container: ContainerRecord },
  ): string | undefined {
    const { machine, container } = where;
    const owner = readOwnership(container.labels);
    if (owner?.cluster !== 'sim') return undefined;
    if (isBeingReplaced(machine, container, owner.name)) return 'a replacement is under way';
    if (container.state === 'dead') return 'dead';
    const revisions = this.#revisions(machine);
    const isStop = operation === 'stopContainer';
    if (
      isStop &&
      machine.mayBeFenced(this.#sim.fenceMs) &&
      revisions.some((revision) => this.#mayMove(revision, owner.name))
    )
      return 'fenced';
    for (const revision of revisions) {
      const why = this.#whyUnder(revision, { ...where, name: owner.name, specHash: owner.specHash });
      if (why !== undefined) return why;
      if (operation === 'disconnect' && this.#differs(revision, owner.name, call, where)) return 'endpoint';
    }
    return undefined;
  }

  #whyUnder(
    revision: Planned,
    what: { machine: Machine; container: ContainerRecord; name: string; specHash: string },
  ): string | undefined {
    const key = objectKey('Container', what.name);
    const object = revision.objects.get(key);
    if (object?.kind !== 'Container') {
      return revision.saysAbsent && !revision.undecided.has(key) ? 'no manifest declares it' : undefined;
    }
    if (object.specHash !== what.specHash) return 'another spec';
    if (object.spec.nodeConstraint.length > 0 && !this.#fits(what.machine, object)) return 'constraint unmet';
    if (
      literalNode(object.spec.nodeConstraint) === undefined &&
      this.#wasElsewhere(what.machine, what.name, revision.digest)
    )
      return 'bound elsewhere';
    return undefined;
  }

  #fits(machine: Machine, object: ContainerObject): boolean {
    const { node } = machine.facts();
    return machine
      .labelsSince(this.#sinceMs(machine))
      .every((labels) => checkConstraints(object.spec.nodeConstraint, { ...node, labels }).matches);
  }

  #wasElsewhere(node: Machine, name: string, revision: string): boolean {
    return this.#tree.wasElsewhere(name, { node: node.name, revision, sinceMs: this.#sinceMs(node) });
  }

  #mayMove(revision: Revision, name: string): boolean {
    const object = revision.objects.get(objectKey('Container', name));
    return (
      object?.kind === 'Container' &&
      object.spec.reschedule === 'on-node-failure' &&
      literalNode(object.spec.nodeConstraint) === undefined
    );
  }

  /** Whether the endpoint is not what the manifest asks for. */
  #differs(
    revision: Revision,
    name: string,
    call: EngineCall,
    { machine, container }: { machine: Machine; container: ContainerRecord },
  ): boolean {
    const object = revision.objects.get(objectKey('Container', name));
    const ref = call.args[1] as { readonly name: string; readonly id?: string };
    const endpoint = container.endpoints.get(ref.name);
    if (object?.kind !== 'Container' || !endpoint) return true;
    const wanted = object.spec.networks?.find((attachment) => attachment.name === ref.name);
    if (!wanted || !endpoint.isAttached || container.state !== 'running') return true;
    const isThere = [...machine.host.networks, ...machine.host.world.shared].filter(
      (network) => network.name === ref.name,
    );
    const oldest = isThere.toSorted((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1))[0];
    if (oldest?.id !== endpoint.networkId) return true;
    const has = normaliseAliases(endpoint.aliases, container).join();
    if (has !== normaliseAliases(wanted.aliases, container).join()) return true;
    return this.#addresses.hasChanged(machine, container, ref.name);
  }

  #checkNetwork(call: EngineCall, machine: Machine): void {
    const id = String(call.args[0]);
    const all = [...machine.host.networks, ...machine.host.world.shared];
    const network = all.find((one) => one.id === id || one.name === id);
    if (!network) return;
    const isDuplicate = all.some((other) => other !== network && other.name === network.name);
    const key = objectKey('Network', network.name);
    const isUndeclared = this.#revisions(machine).some(
      ({ objects, undecided, saysAbsent }) => saysAbsent && !objects.has(key) && !undecided.has(key),
    );
    const isOwned = readOwnership(network.labels)?.cluster === 'sim';
    if (isOwned && (isDuplicate || isUndeclared)) return;
    this.#sim.break(
      'no removal without evidence',
      `removeNetwork ${network.name} on ${machine.name}: manifests declare it, or it is foreign`,
    );
  }

  /** What may run on another node by now is not started here. */
  #checkStart(call: EngineCall, machine: Machine): void {
    const container = findContainer(machine, call.args[0]);
    const owner = container && readOwnership(container.labels);
    if (!this.#sim.isCluster || owner?.cluster !== 'sim') return;
    const isMovable = this.#revisions(machine).every((revision) => this.#mayMove(revision, owner.name));
    if (!isMovable || !machine.isLeaseLost(this.#sim.fenceMs)) return;
    this.#sim.break(
      'nothing starts without a lease',
      `startContainer ${owner.name} on ${machine.name}, which has not been heard of for too long`,
    );
  }

  /** An agent that has looked does not make what is there. */
  #checkCreate(call: EngineCall, machine: Machine): void {
    const name = nameOf(call.args[0]);
    const found = [...machine.host.containers.values()].find((container) => container.name === name);
    const ageMs = found ? machine.host.world.clock.now() - found.createdAtMs : 0;
    if (found && ageMs > MEMORY_MS) {
      this.#sim.break(
        'absent is not unknown',
        `createContainer ${name} on ${machine.name}, where it is since ${ageMs} ms`,
      );
    }
  }

  /** What this machine's agent may have planned on. */
  #revisions(machine: Machine): Planned[] {
    return machine.folder.since(this.#sinceMs(machine, 0)).flatMap(({ revision, doubt }) =>
      revision === undefined
        ? []
        : // What is there is there; only that something is not can be wrong, or that nothing is.
          [{ ...revision, saysAbsent: doubt === undefined && revision.objects.size > 0 }],
    );
  }

  #sinceMs(machine: Machine, hearsayMs = HEARSAY_MS): number {
    const nowMs = this.#sim.queue.nowMs;
    const recentMs = nowMs - MEMORY_MS - machine.frozenFor(MEMORY_MS);
    if (hearsayMs === 0) return recentMs;
    return Math.min(recentMs, (machine.contactMs ?? nowMs) - hearsayMs);
  }
}

/** Under a name that is not its own, or beside another container of the same object. */
function isBeingReplaced(machine: Machine, container: ContainerRecord, name: string): boolean {
  const all = [...machine.host.containers.values()];
  const isBeside = all.some(
    (other) =>
      other !== container &&
      [parkedName(name), comingName(name)].includes(other.name) &&
      readOwnership(other.labels)?.name === name,
  );
  return container.name !== name || isBeside;
}

function findContainer(machine: Machine, id: unknown): ContainerRecord | undefined {
  return typeof id === 'string' ? machine.host.containers.get(id) : undefined;
}

function nameOf(value: unknown): string {
  if (typeof value === 'string') return value.length > 20 ? value.slice(0, 12) : value;
  if (typeof value !== 'object' || value === null) return '';
  const named = value as { readonly name?: string; readonly network?: { readonly name: string } };
  return named.name ?? named.network?.name ?? '';
}
