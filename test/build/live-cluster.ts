/** Three real Docker hosts with an ovrd each, in the hosts' own networks, and a real ZooKeeper that all of them reach. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InspectedContainer } from './docker-api.ts';
import { openNode, type LiveNode } from './live.ts';
import { startLab, type Lab } from '../lab/lab.ts';
import { until } from '../lab/run.ts';
import { startZooKeeper, type ZooKeeperServer } from '../lab/zookeeper.ts';
import type { ClusterView } from '../../pkg/reconcile/index.ts';

const PATIENCE_MS = 45_000;

export interface LiveClusterOptions {
  readonly name: string;
  readonly sessionTimeoutMs: number;
  readonly nodeLostAfterMs: number;
  readonly hosts?: number;
  /** Path of the cluster in ZooKeeper. */
  readonly root?: string;
  readonly args?: readonly string[];
  /** What runs as ovrd; by default its source. */
  readonly from?: 'source' | 'dist';
}

/** Where a container runs and since when: equal twice means that nobody touched it. */
export interface Sighting {
  readonly node: string;
  readonly id: string;
  readonly startedAt: string;
  readonly status: string;
}

export class LiveCluster {
  readonly lab: Lab;
  readonly zookeeper: ZooKeeperServer;
  readonly manifests: string;
  readonly nodes: LiveNode[] = [];
  readonly #options: LiveClusterOptions;
  readonly #state: string;

  constructor(
    options: LiveClusterOptions,
    parts: { lab: Lab; zookeeper: ZooKeeperServer; manifests: string; state: string },
  ) {
    this.#options = options;
    this.lab = parts.lab;
    this.zookeeper = parts.zookeeper;
    this.manifests = parts.manifests;
    this.#state = parts.state;
  }

  get coordinator(): string {
    return `zk://${this.zookeeper.address}${this.#options.root ?? '/ovr/test'}`;
  }

  /** Starts the ovrd of one host; on the state it left if it has run before. */
  async start(at: number, args: readonly string[] = []): Promise<LiveNode> {
    const host = this.lab.hosts[at];
    if (!host) throw new Error(`the lab has no host ${at}`);
    const { sessionTimeoutMs, nodeLostAfterMs } = this.#options;
    const node = await openNode({
      host,
      manifests: this.manifests,
      folder: join(this.#state, host.name),
      inHost: true,
      from: this.#options.from ?? 'source',
      args: [
        ...['--coordinator', this.coordinator, '--session-timeout', `${sessionTimeoutMs}ms`],
        ...['--node-lost-after', `${nodeLostAfterMs}ms`, '--node-name', host.name, '--resync', '5s'],
        ...(this.#options.args ?? []),
        ...args,
      ],
    });
    this.nodes[at] = node;
    return node;
  }

  /** A second ovrd on a host that has one, under the name of a node that has one too. The caller stops it. */
  async twin(of: LiveNode, name: string): Promise<LiveNode> {
    const { sessionTimeoutMs } = this.#options;
    return openNode({
      host: of.host,
      manifests: this.manifests,
      inHost: true,
      args: [
        '--coordinator',
        this.coordinator,
        '--session-timeout',
        `${sessionTimeoutMs}ms`,
        '--node-name',
        name,
      ],
    });
  }

  node(name: string): LiveNode {
    const found = this.nodes.find(({ host }) => host.name === name);
    if (!found) throw new Error(`no ovrd on ${name}`);
    return found;
  }

  /** Waits until the agents agree on one leader, which is one of them, and that all of them are members. */
  async agreed(nodes: readonly LiveNode[] = this.nodes): Promise<LiveNode> {
    const leader = await until('one leader', PATIENCE_MS, async () => {
      const all = await Promise.all(nodes.map(async (node) => (await node.status()).coordinator));
      const leaders = nodes.filter((_, index) => all[index]?.isLeader);
      const names = new Set(all.map((status) => status.leader));
      return leaders.length === 1 && names.size === 1 && all.every(({ connected }) => connected)
        ? leaders[0]
        : undefined;
    });
    return leader;
  }

  async converged(nodes: readonly LiveNode[] = this.nodes): Promise<void> {
    await Promise.all(nodes.map((node) => node.converged()));
  }

  async view(): Promise<ClusterView> {
    const [node] = this.nodes;
    if (!node) throw new Error('no ovrd runs');
    return node.ovrd.client.cluster();
  }

  /** Every container on every host, by name; running ones only unless told. */
  async sightings(all = false): Promise<Map<string, Sighting[]>> {
    const seen = new Map<string, Sighting[]>();
    for (const { host, docker } of this.nodes) {
      for (const name of await docker.containerNames(all ? undefined : 'running')) {
        const container = await docker.container(name);
        if (container) seen.set(name, [...(seen.get(name) ?? []), sighting(host.name, container)]);
      }
    }
    return new Map([...seen].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** The node on which a container runs; fails where it is not exactly one. */
  async whereIs(name: string): Promise<string> {
    const found = (await this.sightings()).get(name) ?? [];
    const [only] = found;
    if (!only || found.length > 1)
      throw new Error(`${name} runs on [${found.map(({ node }) => node).join(' ')}]`);
    return only.node;
  }

  /** Ends every ovrd, the lab, ZooKeeper; removes all files. */
  async close(): Promise<void> {
    this.zookeeper.thaw();
    await Promise.all(this.nodes.map((node) => node.ovrd.stop()));
    await this.lab.down();
    await this.zookeeper.stop();
    for (const folder of [this.manifests, this.#state]) await rm(folder, { recursive: true, force: true });
  }
}

function sighting(node: string, { Id, State }: InspectedContainer): Sighting {
  return { node, id: Id, startedAt: State.StartedAt, status: State.Status };
}

/** Starts the lab and ZooKeeper, and no ovrd yet. */
export async function openCluster(options: LiveClusterOptions): Promise<LiveCluster> {
  const lab = await startLab({ topology: 'kv', hosts: options.hosts ?? 3, name: options.name });
  try {
    // The lab's bridge: every host reaches it until its cable is pulled.
    const zookeeper = await startZooKeeper({ host: lab.subnet.replace(/\.0\/24$/, '.1'), port: 2181 });
    const manifests = await mkdtemp(join(tmpdir(), `ovr-${options.name}-manifests-`));
    const state = await mkdtemp(join(tmpdir(), `ovr-${options.name}-state-`));
    return new LiveCluster(options, { lab, zookeeper, manifests, state });
  } catch (error) {
    await lab.down();
    throw error;
  }
}
