import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isAlive } from '../lab/processes.ts';
import { run, until } from '../lab/run.ts';
import { startZooKeeper } from '../lab/zookeeper.ts';

const repository = join(import.meta.dirname, '../..');

/** Starts a server in a process of its own, freezes it and crashes that process; says what was running and where. */
async function crash(): Promise<{ pid: number; start: string; folder: string }> {
  const code = `import { startZooKeeper } from './test/lab/zookeeper.ts';
    import { processRef } from './test/lab/processes.ts';
    const server = await startZooKeeper();
    server.freeze();
    console.log(JSON.stringify({ ...processRef(server.pid), folder: server.folder }));
    process.kill(process.pid, 'SIGKILL');`;
  const cmd = [process.execPath, '--input-type=module-typescript', '--eval', code];
  const { stdout } = await run(cmd, { cwd: repository });
  return JSON.parse(stdout) as { pid: number; start: string; folder: string };
}

it('a ZooKeeper of the lab keeps its data over a restart, and leaves nothing behind', async () => {
  const server = await startZooKeeper();
  const [first, { folder }] = [server.pid, server];
  await server.restart();
  expect(server.pid).not.toBe(first);
  expect(await server.command('srvr')).toContain('Mode: standalone');
  await server.stop();
  expect([server.pid, existsSync(folder)]).toEqual([undefined, false]);
});

it('a ZooKeeper of the lab ends with its process, also when it is frozen', async () => {
  const left = await crash();
  expect(left.pid).toBeGreaterThan(0);
  await until('the end of the server', 10_000, () => (isAlive(left) ? undefined : true));
  const next = await startZooKeeper();
  await next.stop();
  expect(existsSync(left.folder)).toBe(false);
});
