import type { Clock } from '../../api/index.ts';
import type { ContainerSpec } from '../../manifest/index.ts';
import type { EngineFacts } from '../../state/index.ts';
import type { BellOptions } from './bell.ts';
import { resolve } from './dns.ts';
import { failure } from './failures.ts';
import type { FaultHook, Latency } from './faults.ts';
import { SimulatedHost } from './host.ts';
import type { NetworkRecord, Program, Topology, WorldState } from './model.ts';
import { hostNetworks, ingressNetwork } from './networks.ts';
import { idOf } from './random.ts';
import { takeSnapshot, type WorldSnapshot } from './snapshot.ts';

export interface HostOptions {
  readonly name: string;
  readonly ip?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly engineLabels?: Readonly<Record<string, string>>;
  /** Absent: the world's. */
  readonly images?: readonly string[];
}

export interface WorldOptions {
  readonly clock: Clock;
  /** `single` unless told. In `swarm` the first host is the manager. */
  readonly topology?: Topology;
  /** Hosts by name, or how many: they get the names of the article. One unless told. */
  readonly hosts?: number | readonly (string | HostOptions)[];
  /** Images that each host has at first. */
  readonly images?: readonly string[];
  /** Images that a pull finds; every one unless told. */
  readonly pullable?: readonly string[] | 'any';
  /** What containers do by themselves; they run until stopped unless told. */
  readonly programs?: (spec: ContainerSpec) => Program | undefined;
  readonly latency?: Latency;
  readonly bell?: BellOptions;
  /** Decides the order of lists. */
  readonly seed?: number;
}

const FIRST_HOST_IP = 12;
const FIRST_VXLAN = 4097;
const CPUS = 2;
const MEMORY_BYTES = 8 * 2 ** 30;

/** A cluster of Docker hosts in memory. Nothing in it depends on real time or chance. */
export class SimulatedWorld implements WorldState {
  readonly topology: Topology;
  readonly clock: Clock;
  readonly hosts: readonly SimulatedHost[];
  readonly shared: NetworkRecord[] = [];
  /** Called before and after every engine call; may be changed at any time. */
  faults: FaultHook | undefined;
  #ids = 0;
  #vxlans = FIRST_VXLAN;

  constructor(options: WorldOptions) {
    this.topology = options.topology ?? 'single';
    this.clock = options.clock;
    this.hosts = hostList(options.hosts).map((host, index) => this.#makeHost(options, host, index));
    for (const host of this.hosts) host.networks.push(...hostNetworks(host));
    if (this.topology === 'swarm') this.shared.push(ingressNetwork(this.host()));
  }

  nextId(): string {
    this.#ids += 1;
    return idOf(this.#ids);
  }

  nextVxlan(): number {
    this.#vxlans += 1;
    return this.#vxlans - 1;
  }

  /** A host by name, or by its place in the list. */
  host(nameOrIndex: string | number = 0): SimulatedHost {
    const found = this.hosts.find((host, index) => host.name === nameOrIndex || index === nameOrIndex);
    if (found === undefined) throw new Error(`no host ${nameOrIndex} in this world`);
    return found;
  }

  /** The addresses that a container's DNS server answers for a name, sorted. */
  resolve(hostName: string, fromContainer: string, name: string): string[] {
    const from = [...this.host(hostName).containers.values()].find(
      (container) => container.name === fromContainer,
    );
    if (from === undefined) throw failure('not-found', `No such container: ${fromContainer}`);
    return resolve(this, from, name);
  }

  /** Everything there is, for comparing before with after. */
  snapshot(): WorldSnapshot {
    return takeSnapshot(this);
  }

  #makeHost(options: WorldOptions, host: HostOptions, index: number): SimulatedHost {
    return new SimulatedHost({
      world: this,
      facts: engineFacts(this.topology, host, index),
      images: host.images ?? options.images ?? [],
      pullable: options.pullable ?? 'any',
      programs: options.programs ?? (() => undefined),
      latency: options.latency ?? { operations: {} },
      bell: options.bell ?? {},
      seed: (options.seed ?? 0) + index,
    });
  }
}

function hostList(hosts: WorldOptions['hosts'] = 1): HostOptions[] {
  if (typeof hosts !== 'number')
    return hosts.map((host) => (typeof host === 'string' ? { name: host } : host));
  return Array.from({ length: hosts }, (_, index) => ({
    name: index === 0 ? 'swarm-master' : `swarm-node-${index}`,
  }));
}

function engineFacts(topology: Topology, host: HostOptions, index: number): EngineFacts {
  const isManager = topology === 'swarm' && index === 0;
  return {
    kind: engineKind(topology, isManager),
    node: {
      id: `SIMULATED-${index + 1}`,
      name: host.name,
      ip: host.ip ?? `10.6.17.${FIRST_HOST_IP + index}`,
      role: isManager ? 'manager' : 'worker',
      os: 'linux',
      arch: 'x86_64',
      labels: { ...host.labels },
      engineLabels: { ...host.engineLabels },
    },
    version: '20.10.24',
    apiVersion: '1.41',
    cpus: CPUS,
    memoryBytes: MEMORY_BYTES,
  };
}

function engineKind(topology: Topology, isManager: boolean): EngineFacts['kind'] {
  if (topology === 'single') return 'plain';
  if (topology === 'cluster-store') return 'cluster-store';
  return isManager ? 'swarm-manager' : 'swarm-worker';
}
