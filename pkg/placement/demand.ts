import type { ContainerSpec } from '../manifest/index.ts';
import { hostPortsOf, portKey, type HostPort } from './ports.ts';
import { Rule } from './rule.ts';

/** What a container asks of a node. Containers that ask the same share one, so that each question is put once. */
export interface Demand {
  readonly rule: Rule;
  readonly nanoCpus: number;
  readonly memoryBytes: number;
  readonly ports: readonly HostPort[];
  /** Names of containers that have no node so far. */
  readonly waiting: string[];
}

/** All demands with one rule. */
export interface RuleDemands {
  readonly rule: Rule;
  readonly demands: Map<string, Demand>;
  /** The one without requests and host ports, which most containers have: found without building its key. */
  plain?: Demand;
}

const NO_PORTS: readonly HostPort[] = [];

/** Every demand of the containers seen. */
export class Demands {
  readonly #rules = new Map<string, RuleDemands>();

  /** The demand of a container. */
  of({ nodeConstraint, resources, ports: mappings }: ContainerSpec): Demand {
    const group = this.#groupOf(nodeConstraint);
    const { nanoCpus = 0, memoryBytes = 0 } = resources.requests;
    const ports = mappings.length === 0 ? NO_PORTS : hostPortsOf(mappings);
    const isPlain = nanoCpus === 0 && memoryBytes === 0 && ports.length === 0;
    if (isPlain && group.plain) return group.plain;
    const key = `${nanoCpus} ${memoryBytes} ${ports.map(portKey).join()}`;
    const known = group.demands.get(key);
    if (known) return known;
    const demand = { rule: group.rule, nanoCpus, memoryBytes, ports, waiting: [] };
    group.demands.set(key, demand);
    if (isPlain) group.plain = demand;
    return demand;
  }

  /** Those whose containers wait, by rule. */
  waiting(): readonly (readonly [rule: Rule, demands: readonly Demand[]])[] {
    return [...this.#rules.values()]
      .map(({ rule, demands }) => {
        const waiting = [...demands.values()].filter((demand) => demand.waiting.length > 0);
        return [rule, waiting] as const;
      })
      .filter(([, demands]) => demands.length > 0);
  }

  #groupOf(constraints: readonly string[]): RuleDemands {
    const [first = ''] = constraints;
    const text = constraints.length > 1 ? constraints.join('\0') : first;
    const known = this.#rules.get(text);
    if (known) return known;
    const group = { rule: new Rule(constraints), demands: new Map<string, Demand>() };
    this.#rules.set(text, group);
    return group;
  }
}
