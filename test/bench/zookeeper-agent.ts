/** The cluster part of an agent as it is, on simulated engine facts: it registers, stands for leader, decides and is told what is bound to it. */
import { systemClock } from '../../pkg/agent/index.ts';
import { silentLogger } from '../../pkg/api/index.ts';
import { Cluster, type CoordinationStore } from '../../pkg/cluster/index.ts';
import type { Revision } from '../../pkg/manifest/index.ts';
import { ALONE_STATUS, type AgentStatus } from '../../pkg/reconcile/index.ts';
import type { EngineFacts } from '../../pkg/state/index.ts';

const VERSION = '0.0.0-bench';
const CPUS = 64;
const MEMORY_BYTES = 2 ** 38;

export interface BenchAgentOptions {
  readonly node: string;
  readonly store: CoordinationStore;
  readonly nodeLostAfterMs: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** state() or status() may be another one. */
  readonly changed: () => void;
}

export class BenchAgent {
  readonly node: string;
  readonly cluster: Cluster;
  revision: Revision | undefined;
  readonly #labels: Readonly<Record<string, string>>;

  constructor({ node, store, nodeLostAfterMs, labels = {}, changed }: BenchAgentOptions) {
    this.node = node;
    this.#labels = labels;
    let saved: unknown;
    this.cluster = new Cluster(
      {
        store,
        disk: {
          load: () => Promise.resolve(saved),
          save: (state) => {
            saved = state;
            return Promise.resolve();
          },
        },
        clock: systemClock,
        logger: silentLogger,
        random: Math.random,
        journal: () => undefined,
        changed,
        revision: () => (this.revision ? { revision: this.revision } : {}),
        facts: () => Promise.resolve(this.#facts()),
      },
      {
        cluster: 'bench',
        nodeName: node,
        version: VERSION,
        nodeLostAfterMs,
        strategy: 'spread',
        kind: 'zookeeper',
      },
    );
  }

  get isLeader(): boolean {
    return this.cluster.status().isLeader;
  }

  /** Whether it may act on this container. */
  isBound(container: string): boolean {
    const state = this.cluster.state();
    return state.type === 'member' && state.cluster.bound.has(container);
  }

  /** Digest of the manifests that the leader's last decision, as it is known here, was made on. */
  get decidedOn(): string | undefined {
    const state = this.cluster.state();
    return state.type === 'member' ? state.cluster.decidedOn : undefined;
  }

  /** Ends a round, in which the engine answered and was found empty. */
  report(): void {
    this.cluster.report(this.#status());
  }

  #facts(): EngineFacts {
    const node = {
      id: `id-of-${this.node}`,
      name: this.node,
      ip: '127.0.0.1',
      role: 'worker',
      os: 'linux',
      arch: 'x86_64',
      labels: {},
      engineLabels: this.#labels,
    } as const;
    return {
      kind: 'plain',
      node,
      version: '26.1.5',
      apiVersion: '1.45',
      cpus: CPUS,
      memoryBytes: MEMORY_BYTES,
    };
  }

  #status(): AgentStatus {
    const { revision } = this;
    return {
      version: VERSION,
      cluster: 'bench',
      node: this.node,
      mode: 'enforce',
      startedMs: 0,
      engine: { up: true, message: 'answers' },
      ...(revision ? { revision: { digest: revision.digest, objects: revision.objects.size } } : {}),
      coordinator: ALONE_STATUS,
      sources: [],
      diagnostics: [],
      prune: { held: false, reason: '', keys: [] },
      holds: [],
      converged: true,
      working: [],
      lastRoundMs: systemClock.now(),
      objects: [],
      aliases: [],
    };
  }
}
