import type { Command } from 'commander';

import type { CliContext } from './context.ts';

/** Runs a verb's work and keeps its exit code. */
export type Run = (work: (context: CliContext) => Promise<number>, failureCode?: number) => Promise<void>;

/** Adds one verb to the program. */
export type AddVerb = (program: Command, run: Run) => void;

/** The examples under a verb's help. */
export function examples(...lines: readonly string[]): string {
  return `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${lines.map((line) => `  ${line}\n`).join('')}`;
}
