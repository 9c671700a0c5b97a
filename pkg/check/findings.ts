/** How a ping with the whole MTU of the network ended. `mtu`: only a small one comes through. */
export const REACHES = ['ok', 'mtu', 'unreachable', 'no-answer', 'failed', 'untried'] as const;
/** `no-answer`: the node did not say; `failed`: it could not try; `untried`: there was no time or nothing to ping any more. */
export type Reach = (typeof REACHES)[number];

/** What a node found out, one entry for each network that a container of its own is on. */
export interface Findings {
  readonly networks: readonly NetworkFindings[];
}

export interface NetworkFindings {
  readonly id: string;
  readonly name: string;
  /** Which container asked, and the networks it is on, by ID; absent: none could. */
  readonly asker?: { readonly container: string; readonly networks: readonly string[] };
  /** Why nothing could be found out, and what to do about it. */
  readonly failure?: string;
  /** Of the interface; what pings had as their size. */
  readonly mtu: number;
  readonly dns: DnsFindings;
  readonly pings: readonly PingFinding[];
  /** Of the errand's further containers. */
  readonly fellows?: readonly PingFinding[];
}

export interface DnsFindings {
  readonly asked: number;
  /** Names there was no time for. */
  readonly untried: number;
  /** Answers that are not what the errand says, each asked for twice. */
  readonly odd: readonly NameAnswer[];
  /** How many more of them there are. */
  readonly omitted: number;
  /** Why the embedded DNS could not be asked at all. */
  readonly failure?: string;
}

export interface NameAnswer {
  readonly name: string;
  /** Sorted; empty where the answer is that there is none, or no answer came. */
  readonly addresses: readonly string[];
  /** What DNS said instead: ENOTFOUND, ETIMEOUT and the like. */
  readonly error?: string;
}

export interface PingFinding {
  readonly node: string;
  readonly address: string;
  readonly reach: Reach;
  readonly rttMs?: number;
  readonly message?: string;
}
