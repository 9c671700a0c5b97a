import { OvrError, readCredentials } from '../api/index.ts';

const OTHERS = 0o007;

/**
 * Checks what a credentials file holds and that nobody else may touch it; `mode` as of `stat`. Returns `user:password`. Fails with
 * `coordinator-refused` and the mend; no message holds any of the text.
 */
export function checkCredentials(file: {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}): string {
  const { path, text, mode } = file;
  if ((mode & OTHERS) !== 0)
    throw refused(`${path} is open to every user of this machine: chmod 600 ${path}`);
  const line = readCredentials(text);
  if (line === undefined) throw refused(`${path} must hold one line: user:password`);
  return line;
}

function refused(message: string): OvrError {
  return new OvrError('coordinator-refused', 'invalid', `${message}.`);
}
