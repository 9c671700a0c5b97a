import { lstat, mkdir, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';

/** How long a process that has the socket gets to take a connection. */
const ANSWER_MS = 2_000;

/**
 * Makes way for a new socket: creates its folder (mode 0700) and removes what a dead process left. Fails when a live one has it,
 * or when something else than a socket is there.
 */
export async function clearSocketPath(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const before = await entryAt(path);
  if (before === undefined) return;
  if (!before.isSocket)
    throw new Error(`${path} is there and is not a socket: remove it or choose another --socket`);
  if (await isAnswered(path)) {
    throw new Error(`another ovrd answers on ${path}: stop it or choose another --socket`);
  }
  // It may have been replaced by a live one meanwhile.
  const now = await entryAt(path);
  if (now?.inode === before.inode) await unlink(path);
}

async function entryAt(path: string): Promise<{ inode: bigint; isSocket: boolean } | undefined> {
  try {
    const stats = await lstat(path, { bigint: true });
    return { inode: stats.ino, isSocket: stats.isSocket() };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A process that is there and does not take the connection in time counts as alive. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(ANSWER_MS, settle(true));
    socket.once('connect', settle(true));
    socket.once('error', (error) => settle(!('code' in error) || error.code !== 'ECONNREFUSED')());
  });
}
