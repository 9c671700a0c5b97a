import type { ErrandHost } from './errand.ts';
import type { NameAnswer, PingFinding } from './findings.ts';

/** Asks all nodes something. What is asked and answered is text, at most 900 kB of it. */
export interface Questions {
  /** False: this node is the whole cluster. */
  readonly isShared: boolean;
  /** Ends when all have answered, or at the deadline with those that have. Fails with an OvrError where nobody can be asked. */
  ask(question: string, deadlineMs: number): Promise<Answers>;
}

export interface Answers {
  /** By node, this one among them. */
  readonly answers: ReadonlyMap<string, string>;
  /** Nodes that did not answer, and why as far as it is known. */
  readonly silent: ReadonlyMap<string, string>;
}

/** Finds things out from inside the network of containers. */
export interface Prober {
  /** Enters the network of a running container; fails with an OvrError whose message tells the mend. */
  enter(containerId: string): Promise<Inside>;
}

/** Inside one container's network, until closed. */
export interface Inside {
  /** Asks the embedded DNS for all names; those without an answer in time are missing. Also the MTU of the interface with this address. */
  resolve(
    names: readonly string[],
    options: { address: string; deadlineMs: number },
  ): Promise<{ answers: readonly NameAnswer[]; mtu?: number }>;
  /** Pings a host with packets of exactly `mtu` bytes that may not be cut up, then with small ones. */
  ping(host: ErrandHost, mtu: number): Promise<PingFinding>;
  close(): Promise<void>;
}
