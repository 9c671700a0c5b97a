import type { ContainerSpec } from '../manifest/index.ts';
import { hostPortsOf, portsKey, type HostPort } from './ports.ts';
import { Rule } from './rule.ts';

/** What a container asks of a node. Containers that ask the same share one, so that each question is put once. */
export interface Demand {
  readonly rule: Rule;
  readonly nanoCpus: number;
  readonly memoryBytes: number;
  readonly ports: readonly HostPort[];
  readonly portsKey: string;
  /** Names of containers that have no node so far. */
  readonly waiting: string[];
}

/** Demands by what they ask: by CPU, by memory, by ports. Numbers as they are, because texts of them take longer to make than to find. */
type ByPorts = Map<string, Demand>;
type ByRequests = Map<number, Map<number, ByPorts>>;

interface RuleDemands {
  readonly rule: Rule;
  readonly demands: Demand[];
  readonly byRequests: ByRequests;
  /** The one without requests and ports, which most containers have. */
  plain?: Demand;
}

/** Every demand of the containers seen. */
export class Demands {
  readonly #rules = new Map<string, RuleDemands>();

  /** The demand of a container. */
  of({ nodeConstraint, resources, ports }: ContainerSpec): Demand {
    const group = this.#groupOf(nodeConstraint);
    const { nanoCpus = 0, memoryBytes = 0 } = resources.requests;
    const isPlain = nanoCpus === 0 && memoryBytes === 0 && ports.length === 0;
    if (isPlain && group.plain) return group.plain;
    const byPorts = byPortsOf(group.byRequests, nanoCpus, memoryBytes);
    const key = portsKey(ports);
    const known = byPorts.get(key);
    if (known) return known;
    const asked = { nanoCpus, memoryBytes, ports: hostPortsOf(ports), portsKey: key };
    const demand = { rule: group.rule, ...asked, waiting: [] };
    byPorts.set(key, demand);
    group.demands.push(demand);
    if (isPlain) group.plain = demand;
    return demand;
  }

  /** Those whose containers wait, by rule. */
  waiting(): readonly (readonly [rule: Rule, demands: readonly Demand[]])[] {
    return [...this.#rules.values()]
      .map(({ rule, demands }) => [rule, demands.filter(({ waiting }) => waiting.length > 0)] as const)
      .filter(([, demands]) => demands.length > 0);
  }

  #groupOf(constraints: readonly string[]): RuleDemands {
    const [first = ''] = constraints;
    const text = constraints.length > 1 ? constraints.join('\0') : first;
    const known = this.#rules.get(text);
    if (known) return known;
    const group: RuleDemands = { rule: new Rule(constraints), demands: [], byRequests: new Map() };
    this.#rules.set(text, group);
    return group;
  }
}

function byPortsOf(byRequests: ByRequests, nanoCpus: number, memoryBytes: number): ByPorts {
  const byMemory = byRequests.get(nanoCpus) ?? new Map<number, ByPorts>();
  const byPorts = byMemory.get(memoryBytes) ?? new Map<string, Demand>();
  if (byPorts.size === 0) byRequests.set(nanoCpus, byMemory.set(memoryBytes, byPorts));
  return byPorts;
}
