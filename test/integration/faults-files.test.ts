import { chmod, mkdir, mkdtemp, open, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  container,
  manifest,
  network,
  openNode,
  place,
  startNode,
  type LiveNode,
  undoAfterAll,
} from '../build/live.ts';
import { startLab, type LabHost } from '../lab/lab.ts';
import { must, run } from '../lab/run.ts';

let host: LabHost;
const undo = undoAfterAll();

beforeAll(async () => {
  const lab = await startLab({ topology: 'single', name: 'it-files' });
  undo(() => lab.down());
  host = lab.hosts[0]!;
});

const PAIR = [
  network('net0', { driver: 'bridge' }),
  container('one', { networks: ['net0'] }),
  container('two', { networks: ['net0'] }),
];

/** A small file system in memory at a folder, gone with the test. */
async function mountSmall(folder: string, size: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await must(['mount', '-t', 'tmpfs', '-o', `size=${size},mode=755`, 'ovr-test', folder]);
  onTestFinished(async () => {
    await run(['umount', '--lazy', folder]);
  });
}

describe('the folder of manifests', () => {
  let manifests: string;
  let node: LiveNode;
  const undoHere = undoAfterAll();

  beforeAll(async () => {
    const base = await mkdtemp(join(tmpdir(), 'ovr-files-'));
    undoHere(() => rm(base, { recursive: true, force: true }));
    manifests = join(base, 'manifests');
    await mkdir(manifests);
    await place(manifests, 'pair.yaml', manifest(...PAIR));
    node = await openNode({ host, manifests });
    undoHere(() => node.close());
    await node.converged();
  });

  const doubt = async (): Promise<string> => (await node.status()).sources[0]?.doubt ?? '';

  /** Takes the manifests away, sees that it is doubted and nothing is done, and brings them back. */
  async function away(take: () => Promise<void>, says: RegExp, giveBack: () => Promise<void>): Promise<void> {
    const mark = await node.mark();
    const before = await Promise.all(['one', 'two'].map((name) => node.docker.mustInspect(name)));
    await take();
    await node.eventually(`a doubt like ${String(says)}`, async () => says.test(await doubt()));
    await node.lookAgain();
    await node.lookAgain();
    expect(await node.steps(mark)).toEqual([]);
    await giveBack();
    await node.eventually('no doubt any more', async () => (await doubt()) === '');
    await node.converged();
    expect(await node.steps(mark)).toEqual([]);
    const after = await Promise.all(['one', 'two'].map((name) => node.docker.mustInspect(name)));
    expect(after.map(({ Id, State }) => [Id, State.StartedAt])).toEqual(
      before.map(({ Id, State }) => [Id, State.StartedAt]),
    );
  }

  async function fill(): Promise<void> {
    await mkdir(manifests, { recursive: true });
    await place(manifests, 'pair.yaml', manifest(...PAIR));
  }

  test('removed', () =>
    away(() => rm(manifests, { recursive: true }), /cannot be read .*stays in force/, fill));

  test('renamed', () =>
    away(
      () => rename(manifests, `${manifests}.other`),
      /cannot be read .*stays in force/,
      () => rename(`${manifests}.other`, manifests),
    ));

  test('replaced by an empty one', () =>
    away(
      async () => {
        await rename(manifests, `${manifests}.other`);
        await mkdir(manifests);
      },
      /replaced by an empty one/,
      async () => {
        await rm(manifests, { recursive: true });
        await rename(`${manifests}.other`, manifests);
      },
    ));

  test('covered by an empty mount, as when a disk is not there', () =>
    away(
      () => mountSmall(manifests, '64k'),
      /replaced by an empty one/,
      async () => {
        await must(['umount', manifests]);
      },
    ));

  test('a file in its place', () =>
    away(
      async () => {
        await rename(manifests, `${manifests}.other`);
        await writeFile(manifests, 'not a folder');
      },
      /cannot be read .*stays in force/,
      async () => {
        await rm(manifests);
        await rename(`${manifests}.other`, manifests);
      },
    ));

  test('a file that is being written in place is not acted on, however long that takes', async () => {
    const mark = await node.mark();
    const [head = '', ...tail] = manifest(...PAIR, container('three', { networks: ['net0'] })).split(
      '\n---\n',
    );
    const file = await open(join(manifests, 'pair.yaml'), 'w');
    try {
      // What is there now is a whole manifest: without `one` and `two`.
      await file.write(`${head}\n`);
      await sleep(3_000);
      await node.lookAgain();
      expect(await node.steps(mark)).toEqual([]);
      expect(await node.docker.containerNames('running')).toEqual(['one', 'two']);
      await file.write(['', ...tail, ''].join('\n---\n'));
    } finally {
      await file.close();
    }
    await node.eventually('the third is there', async () =>
      (await node.docker.containerNames('running')).includes('three'),
    );
    await node.converged();
    expect((await node.steps(mark)).every(({ key }) => key === 'Container/three')).toBe(true);
    await node.declare('pair.yaml', ...PAIR);
  });

  test('a file that does not parse, or cannot be read: told, and the last good version stays', async () => {
    const mark = await node.mark();
    await place(manifests, 'pair.yaml', `${manifest(...PAIR)}\n  broken: [\n`);
    await node.eventually('the mistake is shown', async () => (await node.status()).diagnostics.length > 0);
    const [diagnostic] = (await node.status()).diagnostics;
    expect(diagnostic).toMatchObject({ severity: 'error', file: join(manifests, 'pair.yaml') });
    expect((await node.status()).converged).toBe(false);
    await place(manifests, 'pair.yaml', manifest(...PAIR));
    await node.converged();
    await chmod(manifests, 0o000); // which does not matter to root, and must do no harm
    await node.lookAgain();
    await chmod(manifests, 0o755);
    await node.converged();
    expect(await node.steps(mark)).toEqual([]);
  });
});

test('a full disk under the state: ovrd tells, and goes on', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ovr-full-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mountSmall(join(folder, 'state'), '16k');
  await run(['dd', 'if=/dev/zero', `of=${join(folder, 'state', 'filler')}`, 'bs=4k']);
  const node = await startNode({ host, folder });
  await node.declare('all.yaml', ...PAIR);
  const mark = await node.mark();
  await host.docker(['rm', '--force', 'one']);
  await node.eventually(
    'it is repaired',
    async () => (await node.docker.containerNames('running')).length === 2,
  );
  await node.converged();
  expect((await node.steps(mark)).length).toBeGreaterThan(0);
  expect(await node.ovrd.log()).toMatch(/ENOSPC/);
  await rm(join(folder, 'state', 'filler'));
  await node.eventually('the state is saved once there is room', async () => {
    await node.lookAgain();
    return (await run(['grep', '--quiet', 'Container/one', join(folder, 'state', 'state.json')])).code === 0;
  });
});
