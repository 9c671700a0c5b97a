import type { AgentEvent, AgentStatus } from '../../pkg/reconcile/index.ts';

/** What people do to containers behind ovr's back. */
export interface StageHand {
  disconnect(container: string, network: string): Promise<void>;
  connect(container: string, network: string): Promise<void>;
  remove(container: string): Promise<void>;
  stop(container: string): Promise<void>;
}

/** One Docker host with an ovrd. */
export interface StageHost {
  readonly name: string;
  readonly hand: StageHand;
  /** Lets something happen while this host's ovrd sees nothing: a hand that is faster than it. */
  unseen(deed: () => Promise<void>): Promise<void>;
  status(): Promise<AgentStatus>;
  /** Events newer than `afterId`. */
  events(afterId: number): Promise<readonly AgentEvent[]>;
  /** IDs of the networks of that name. */
  networkIds(name: string): Promise<string[]>;
  /** Names of running containers. */
  running(): Promise<string[]>;
  /** IDs of running containers by name, with the time of their start: equal twice means that nobody touched them. */
  containerIds(): Promise<Map<string, string>>;
  /** Its power fails: containers, daemon, ovrd and network are gone at once. */
  die(): Promise<void>;
  /** It boots again, with all it had on disk. */
  revive(): Promise<void>;
  /** Addresses that a container gets for a name, sorted. */
  resolve(container: string, name: string): Promise<string[]>;
  /** Whether one container answers another. */
  ping(container: string, name: string): Promise<boolean>;
  /** Whether something answers on that port of the host. */
  answers(port: number): Promise<boolean>;
}

/** Three hosts, one folder of manifests for all. */
export interface Stage {
  readonly kind: string;
  readonly hosts: readonly StageHost[];
  /** After what time a node is given up, for people. */
  readonly lostAfter: string;
  /** The folder that every ovrd watches. */
  readonly manifests: string;
  /** How to look at it while it runs; shown with --keep. */
  readonly hints: readonly string[];
  close(): Promise<void>;
}

/** Polls until the condition holds; fails with what was waited for. */
export async function until(what: string, holds: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if (await holds()) return;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
