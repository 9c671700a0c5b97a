import type { NodeFacts } from '../constraint/index.ts';
import type { Demand } from './demand.ts';
import type { PlacementNode } from './input.ts';
import { clashingPort, takePorts, type HostPort, type TakenPorts } from './ports.ts';

/** Classic Swarm's label for the number of containers that a node takes. */
const SLOTS_LABEL = 'containerslots';

/** A node, and what is on it so far. */
export class NodeLoad {
  readonly facts: NodeFacts;
  readonly unhealthy: string | undefined;
  /** Place in the order of names. */
  readonly index: number;
  /** Containers. */
  count = 0;
  /** The larger of the requested parts of its CPUs and its memory; above 1 where too much has been promised. */
  share = 0;
  readonly #slots: number;
  /** Infinite where not known. */
  readonly #cpus: number;
  readonly #memory: number;
  #usedCpus = 0;
  #usedMemory = 0;
  readonly #ports: TakenPorts = new Map();

  constructor(node: PlacementNode, index: number) {
    this.facts = node.facts;
    this.unhealthy = node.unhealthy;
    this.index = index;
    this.#slots = slotsOf(node.facts);
    this.#cpus = node.nanoCpus || Infinity;
    this.#memory = node.memoryBytes || Infinity;
  }

  /** Which room is missing, host ports aside. Who requests nothing gets in everywhere but where slots are counted. */
  shortOf({ nanoCpus, memoryBytes }: Demand): 'slots' | 'cpus' | 'memory' | undefined {
    if (this.count >= this.#slots) return 'slots';
    if (nanoCpus > 0 && this.#usedCpus + nanoCpus > this.#cpus) return 'cpus';
    return memoryBytes > 0 && this.#usedMemory + memoryBytes > this.#memory ? 'memory' : undefined;
  }

  /** The first host port that somebody else has. */
  clashWith({ ports }: Demand): HostPort | undefined {
    return ports.length === 0 ? undefined : clashingPort(this.#ports, ports);
  }

  /** Takes a container in, whether or not there is room. */
  take({ nanoCpus, memoryBytes, ports }: Demand): void {
    this.count += 1;
    if (nanoCpus > 0 || memoryBytes > 0) {
      this.#usedCpus += nanoCpus;
      this.#usedMemory += memoryBytes;
      this.share = Math.max(this.#usedCpus / this.#cpus, this.#usedMemory / this.#memory);
    }
    if (ports.length > 0) takePorts(this.#ports, ports);
  }
}

function slotsOf({ engineLabels, labels }: NodeFacts): number {
  const text = [engineLabels, labels].find((each) => Object.hasOwn(each, SLOTS_LABEL))?.[SLOTS_LABEL];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : Infinity;
}
