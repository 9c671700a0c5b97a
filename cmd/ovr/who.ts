import { hostname, userInfo } from 'node:os';

const LONGEST = 200;

/** Who runs this, as holds name it: `ann@web1`; behind sudo the one who called it. */
export function whoAmI(env: Readonly<Record<string, string | undefined>>): string {
  const sudoer = env['SUDO_USER'] ?? '';
  return `${sudoer === '' ? userName() : sudoer}@${hostname()}`.slice(0, LONGEST);
}

/** A user without a name has a number. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? '?'}`;
  }
}
