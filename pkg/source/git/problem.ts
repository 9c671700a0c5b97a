import type { Diagnostic } from '../../api/index.ts';

/**
 * Why a Git source does not show the newest commit, by name. A closed set: it is a metric label. docs/git.md explains each one.
 */
export const GIT_CODES = [
  'git-missing',
  'git-unreachable',
  'git-timeout',
  'git-auth',
  'git-host-key',
  'git-key-file',
  'git-redirected',
  'git-repository-missing',
  'git-ref-missing',
  'git-path-missing',
  'git-tree-empty',
  'git-too-large',
  'git-commit-broken',
  'git-unsigned',
  'git-signature-bad',
  'git-keyring',
  'git-disk',
  'git-corrupt',
  'git-failed',
] as const;
export type GitCode = (typeof GIT_CODES)[number];

/** Problems that the commit itself has: the same commit need not be tried again. */
const OF_THE_COMMIT: ReadonlySet<GitCode> = new Set([
  'git-path-missing',
  'git-tree-empty',
  'git-too-large',
  'git-commit-broken',
]);

/** Problems that leave no question open about the commit in force: what it does not declare is not declared. */
const WITHOUT_DOUBT: ReadonlySet<GitCode> = new Set(['git-commit-broken']);

/** Problems that end only when somebody acts, so trying faster than usual is useless. */
const OF_THE_SETUP: ReadonlySet<GitCode> = new Set([
  ...OF_THE_COMMIT,
  'git-ref-missing',
  'git-unsigned',
  'git-signature-bad',
  'git-keyring',
]);

/** Why the newest commit is not in force; the message says what to do. */
export class GitProblem extends Error {
  readonly code: GitCode;
  /** What is wrong in the files, if that is it. */
  readonly diagnostics: readonly Diagnostic[];

  constructor(code: GitCode, message: string, diagnostics: readonly Diagnostic[] = []) {
    super(message);
    this.name = 'GitProblem';
    this.code = code;
    this.diagnostics = diagnostics;
  }

  /** The commit itself is refused, and would be again. */
  get isOfTheCommit(): boolean {
    return OF_THE_COMMIT.has(this.code);
  }

  /** Absence in what is in force must not be believed. */
  get isDoubtful(): boolean {
    return !WITHOUT_DOUBT.has(this.code);
  }

  /** It may pass by itself: try again soon, then less and less often. */
  get isTransient(): boolean {
    return !OF_THE_SETUP.has(this.code);
  }
}
