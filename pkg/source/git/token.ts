import { readFile } from 'node:fs/promises';
import { errorMessage } from '../../api/index.ts';
import { GitProblem } from './problem.ts';

/** What every host takes as a user name beside a token, unless the URL names one. */
const ANY_USER = 'git';
const MAX_LENGTH = 8 * 1024;

/** The header that lets us in, from a file with nothing but the token; read anew each time, so it can be changed. Fails with GitProblem. */
export async function readToken(file: string, user: string | undefined): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new GitProblem(
      'git-auth',
      `the token file cannot be read (${errorMessage(error)}); check its path and permissions`,
    );
  }
  const token = text.trim();
  if (token === '' || token.length > MAX_LENGTH || /[\s\p{C}]/u.test(token)) {
    throw new GitProblem('git-auth', `the token file ${file} must hold one token and nothing else`);
  }
  return `Authorization: Basic ${Buffer.from(`${user ?? ANY_USER}:${token}`).toString('base64')}`;
}
