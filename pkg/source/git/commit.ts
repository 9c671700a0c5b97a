import type { SourceCommit } from '../../reconcile/index.ts';
import { GitProblem } from './problem.ts';

const FORMAT = '%H%x00%an <%ae>%x00%ct%x00%s';
const MAX_TEXT = 200;

/** Arguments of git that print one commit for `parseCommit`; of a tag, the commit behind it. */
export function commitArgs(oid: string): string[] {
  return ['log', '-1', '--no-show-signature', '--no-mailmap', '--encoding=UTF-8', `--format=${FORMAT}`, oid];
}

/** Reads what git printed. Fails with GitProblem. */
export function parseCommit(output: string): SourceCommit {
  const [commit = '', author = '', seconds = '', subject = ''] = output.trimEnd().split('\0');
  if (!/^[\da-f]{40,64}$/.test(commit)) {
    throw new GitProblem('git-ref-missing', 'the ref leads to no commit; name a branch, a tag or a commit');
  }
  return { commit, author: plain(author), timeMs: Number(seconds) * 1_000, subject: plain(subject) };
}

function plain(text: string): string {
  return text.replaceAll(/\p{C}/gu, '').slice(0, MAX_TEXT);
}

/** `3f2a9c1 "Scale web to three" by Ann <ann@example.org>`, for messages. */
export function describeCommit({ commit, author, subject }: SourceCommit): string {
  return `${shortHash(commit)} "${subject}" by ${author}`;
}

/** As git abbreviates it. */
export function shortHash(commit: string): string {
  return commit.slice(0, 10);
}
