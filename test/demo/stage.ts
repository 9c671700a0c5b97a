import type { Playbook } from '../../pkg/api/index.ts';
import type { AgentEvent, AgentStatus } from '../../pkg/reconcile/index.ts';

/** What people do to containers behind ovr's back. */
export interface StageHand {
  disconnect(container: string, network: string): Promise<void>;
  connect(container: string, network: string): Promise<void>;
  remove(container: string): Promise<void>;
  stop(container: string): Promise<void>;
  /** Makes or removes the file that its healthcheck looks for. */
  setReady(container: string, isReady: boolean): Promise<void>;
  /** Leaves an endpoint of that name on the network, as a daemon that dies at a bad moment does. */
  leaveEndpoint(name: string, network: string): Promise<void>;
}

/** What a client that asks for a name all the time has seen so far. */
export interface LoadReport {
  readonly asked: number;
  /** By name of the container that answered. */
  readonly answers: Readonly<Record<string, number>>;
  /** Requests and connections that were lost, by what went wrong. */
  readonly errors: Readonly<Record<string, number>>;
  readonly slowestMs?: number;
}

/** A client that asks for a name all the time. */
export interface StageLoad {
  report(): Promise<LoadReport>;
  /** Asks no more, waits for what is under way, and reports. */
  stop(): Promise<LoadReport>;
  /** Ends it at once, whether it has ended or not. */
  kill(): Promise<void>;
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
  /** `ovr_heal_total` of a playbook. */
  heals(playbook: Playbook): Promise<number>;
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
  /** A client in the network of a container that asks for a name all the time. */
  load(container: string, name: string): Promise<StageLoad>;
  /** `ovr switch`, or `ovr switch --back` without labels. Returns what it said once the name leads there. */
  switchAlias(alias: string, labels?: Readonly<Record<string, string>>): Promise<string>;
  /** Whether something answers on that port of the host. */
  answers(port: number): Promise<boolean>;
}

/** Three hosts, one folder of manifests for all. */
export interface Stage {
  readonly kind: string;
  readonly hosts: readonly StageHost[];
  /** After what time a node is given up, for people. */
  readonly lostAfter: string;
  /** What a client's load is here, for people. */
  readonly load: string;
  /** What of a container's spec makes it a server for that load, whose answers bear its version. */
  server(version: string): Readonly<Record<string, unknown>>;
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
