import type { Reach } from './findings.ts';
import type { Verdict } from './judge.ts';

/** What a check came to. */
export interface CheckReport {
  /** Whether nothing is wrong and every node that should have answered has. */
  readonly ok: boolean;
  /** `node`: only this node's containers are known and asked. */
  readonly scope: 'cluster' | 'node';
  readonly node: string;
  readonly startedMs: number;
  readonly durationMs: number;
  readonly nodes: readonly CheckedNode[];
  readonly networks: readonly CheckedNetwork[];
  readonly mismatches: readonly Mismatch[];
  /** Containers that hosts do not reach while they reach others beside them. */
  readonly unreached: readonly Unreached[];
  /** What kept a node from finding something out. */
  readonly failures: readonly CheckFailure[];
  /** What this check cannot tell, and what else its reader should know. */
  readonly notes: readonly string[];
}

export interface CheckedNode {
  readonly name: string;
  readonly state: 'answered' | 'no-answer' | 'failed';
  readonly message: string;
}

export interface CheckedNetwork {
  readonly name: string;
  readonly id: string;
  readonly driver: string;
  readonly scope: 'local' | 'global' | 'swarm';
  /** The smallest that was pinged with; 0 where nobody pinged. */
  readonly mtu: number;
  /** Nodes with a container there, and those that may have one and did not answer; sorted. */
  readonly hosts: readonly string[];
  /** Names that must resolve. */
  readonly names: number;
  /** From every host to every host. */
  readonly cells: readonly Cell[];
}

export interface Cell {
  readonly from: string;
  readonly to: string;
  readonly reach: Reach;
  readonly rttMs?: number;
  /** What is wrong and what to do; empty where nothing is. */
  readonly message: string;
}

/** A name that is not answered as it must be. */
export interface Mismatch {
  readonly network: string;
  readonly name: string;
  /** The nodes that are answered so, sorted. */
  readonly nodes: readonly string[];
  readonly verdict: Verdict;
  readonly expected: readonly string[];
  /** Empty where the answer is that there is none, or where none comes. */
  readonly answered: readonly string[];
  /** What is wrong and what to do. */
  readonly message: string;
}

/** A container that is lost on the way, not its host. */
export interface Unreached {
  readonly network: string;
  readonly container: string;
  readonly node: string;
  readonly address: string;
  /** The nodes that do not reach it, sorted. */
  readonly from: readonly string[];
  /** What is wrong and what to do. */
  readonly message: string;
}

export interface CheckFailure {
  readonly node: string;
  readonly network: string;
  readonly message: string;
}
