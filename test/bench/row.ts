import type { Stage } from './stage.ts';

/** `seen`: measured, and no limit is set for it. */
export type Verdict = 'met' | 'missed' | 'seen';

/** One line of the table. */
export interface Outcome {
  readonly what: string;
  readonly ovr: string;
  /** What it is held against, measured in the same run; empty where there is no peer. */
  readonly peer: string;
  /** What was found, in the terms of the limit. */
  readonly found: string;
  readonly limit: string;
  readonly verdict: Verdict;
  /** Everything measured, in milliseconds unless the name says otherwise. */
  readonly samples: Readonly<Record<string, readonly number[]>>;
}

/** What a row is measured with. */
export interface Bench {
  /** Fewer repetitions and shorter waits: to see that it works, not for figures. */
  readonly quick: boolean;
  /** One Docker host in Swarm mode, made on first use and empty; shared by the rows. */
  stage(): Promise<Stage>;
  progress(text: string): void;
}

export interface Row {
  readonly name: string;
  /** Fails when it cannot be measured. */
  measure(bench: Bench): Promise<readonly Outcome[]>;
}

export function verdict(isMet: boolean): Verdict {
  return isMet ? 'met' : 'missed';
}
