import { errorMessage } from '../../api/index.ts';
import { GitFailure, knownProblem, problemOf } from './failure.ts';
import { TreeDamage } from './files.ts';
import { GitProblem, type GitCode } from './problem.ts';

/** What fails only where objects cannot be read. */
const LOCAL_COMMANDS: ReadonlySet<string> = new Set([
  'log',
  'ls-tree',
  'cat-file',
  'update-index',
  'checkout-index',
]);
const DISK_ERRORS: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EFBIG', 'EACCES', 'EPERM']);

/** Whether git failed in a way that only a damaged clone explains. */
export function isDamage(error: unknown): error is GitFailure {
  return error instanceof GitFailure && error.kind === 'exit' && knownProblem(error) === undefined;
}

/** Whatever went wrong as a problem with a code. */
export function toProblem(error: unknown): GitProblem {
  if (error instanceof GitProblem) return error;
  if (error instanceof GitFailure) {
    return knownProblem(error) ?? problemOf(unknownCode(error), error.output);
  }
  if (error instanceof TreeDamage) return problemOf('git-corrupt', error.message);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return problemOf(DISK_ERRORS.has(code) ? 'git-disk' : 'git-failed', errorMessage(error));
}

function unknownCode({ command }: GitFailure): GitCode {
  return LOCAL_COMMANDS.has(command) ? 'git-corrupt' : 'git-failed';
}
