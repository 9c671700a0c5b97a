import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../pkg/agent/index.ts';
import { silentLogger } from '../../pkg/api/index.ts';
import { createDirSource } from '../../pkg/source/index.ts';
import type { Reader } from '../../pkg/source/sighting.ts';
import { WorkerReader } from '../../pkg/source/worker-reader.ts';

/** A folder source on a system that refuses: no rights, no watches, no descriptors, lost events, a mount that is stale. */

const isRoot = process.geteuid?.() === 0;

let base: string;
let dir: string;
beforeEach(() => {
  base = fs.mkdtempSync(join(tmpdir(), 'ovr-limits-'));
  dir = join(base, 'd');
  fs.mkdirSync(dir);
});
afterEach(() => fs.rmSync(base, { recursive: true }));

const manifest = (name: string, mtu = 1_400): string =>
  `apiVersion: ovr/v1\nkind: Network\nmetadata:\n  name: ${name}\nspec:\n  driver: overlay\n  mtu: ${mtu}\n`;

function move(file: string, text: string): void {
  fs.writeFileSync(join(base, 'new'), text);
  fs.renameSync(join(base, 'new'), join(dir, file));
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`never: ${what}`);
    await sleep(5);
  }
}

/** The beginning of a program that reads the folder as the agent does. `until` gives up after 20 s, and the output tells. */
const childHead = (): string => `
  import * as fs from 'node:fs';
  import { join } from 'node:path';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { createDirSource } from '${join(import.meta.dirname, '../../pkg/source/index.ts')}';
  import { systemClock } from '${join(import.meta.dirname, '../../pkg/agent/index.ts')}';
  const dir = '${dir}';
  const logger = { debug() {}, info() {}, error() {}, child: () => logger, warn: (fields, message) => console.log('WARN', message) };
  const source = createDirSource({ dirs: [dir], clock: systemClock, logger, rescanMs: 300 });
  const names = () => [...(source.state().revision?.objects.values() ?? [])].map(({ name }) => name).join();
  const mtu = (name) => source.state().revision?.objects.get('Network/' + name)?.spec.mtu;
  const until = async (holds) => {
    for (let tries = 0; !holds(); tries += 1) {
      if (tries > 4000) throw new Error('never: ' + holds + ' ' + source.state().doubt);
      await sleep(5);
    }
  };
`;

/** Runs a program about the folder under another command, and returns the lines that it printed. */
function inChild(program: string, under: readonly string[]): string[] {
  const words = [...under, process.execPath, '--input-type=module', '--eval', childHead() + program];
  const run = spawnSync(words[0] ?? '', words.slice(1), { encoding: 'utf8', timeout: 60_000 });
  return `${run.stdout}${run.stderr}`.split('\n').filter((line) => line !== '');
}

describe('a folder', () => {
  beforeEach(() => {
    move('a.yaml', manifest('a'));
    move('b.yaml', manifest('b'));
  });

  it('that may not be read any more removes nothing', () => {
    const run = inChild(
      `
      await source.start(() => undefined);
      fs.chmodSync(dir, 0);
      await until(() => source.state().doubt?.includes('EACCES'));
      console.log('DOUBT', names());
      fs.chmodSync(dir, 0o755);
      await until(() => source.state().doubt === undefined);
      console.log('BACK', names());
      await source.stop();
      `,
      // Root may read everything; without these two it is like everybody else.
      isRoot ? ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'] : [],
    );
    expect(run.filter((line) => !line.startsWith('WARN'))).toEqual(['DOUBT a,b', 'BACK a,b']);
  });

  it.each(['ESTALE: stale file handle', 'EIO: i/o error', 'ETIMEDOUT: connection timed out'])(
    'that answers %s removes nothing, and is followed once it answers',
    async (problem) => {
      const worker = new WorkerReader(systemClock);
      let isStale = false;
      const reader: Reader = {
        look: (request) => (isStale ? Promise.reject(new Error(problem)) : worker.look(request)),
        scan: (request) => (isStale ? Promise.reject(new Error(problem)) : worker.scan(request)),
        walk: (path) => (isStale ? Promise.reject(new Error(problem)) : worker.walk(path)),
        load: (...asked) => worker.load(...asked),
        parse: (...asked) => worker.parse(...asked),
        variables: (files) => worker.variables(files),
        stop: () => worker.stop(),
      };
      const source = createDirSource({
        dirs: [dir],
        clock: systemClock,
        logger: silentLogger,
        rescanMs: 100,
        reader,
      });
      const keys = (): string => [...(source.state().revision?.objects.keys() ?? [])].join();
      try {
        await source.start(() => undefined);
        isStale = true;
        fs.rmSync(join(dir, 'a.yaml'));
        await until(() => source.state().doubt?.includes(problem) === true, 'doubt');
        await sleep(1_000);
        expect(keys()).toBe('Network/a,Network/b');
        isStale = false;
        await until(() => keys() === 'Network/b' && source.state().doubt === undefined, 'the change');
      } finally {
        await source.stop();
      }
    },
  );
});

describe('without inotify', () => {
  it.each([
    ['watches', 'max_inotify_watches'],
    ['instances', 'max_inotify_instances'],
  ])('because there are no more %s, it warns once and finds changes by scanning', (_what, limit) => {
    const program = `
      let rings = 0;
      await source.start(() => { rings += 1; });
      fs.writeFileSync(join(dir, 'a.yaml'), ${JSON.stringify(manifest('a'))});
      await until(() => names() === 'a');
      console.log('FOUND');
      await source.stop();
    `;
    const lower = ['unshare', '-Ur', 'sh', '-c', `echo 0 > /proc/sys/user/${limit} && exec "$@"`, 'sh'];
    const lines = inChild(program, lower);
    if (lines.some((line) => line.includes('unshare'))) return;
    expect(lines).toEqual([expect.stringContaining('WARN cannot watch for changes') as string, 'FOUND']);
  });

  it('because no more files can be opened, it removes nothing and goes on once they can', () => {
    move('a.yaml', manifest('a'));
    const program = `
      await source.start(() => undefined);
      const taken = [];
      try {
        for (;;) taken.push(fs.openSync('/dev/null', 'r'));
      } catch (error) {
        console.log(error.code);
      }
      fs.renameSync('${join(base, 'later.yaml')}', join(dir, 'b.yaml'));
      await sleep(1_000);
      console.log('WITHOUT', names());
      taken.forEach((descriptor) => fs.closeSync(descriptor));
      await until(() => names() === 'a,b' && source.state().doubt === undefined);
      console.log('WITH', names());
      await source.stop();
    `;
    fs.writeFileSync(join(base, 'later.yaml'), manifest('b'));
    const lines = inChild(program, ['sh', '-c', 'ulimit -n 200 && exec "$@"', 'sh']);
    expect(lines.filter((line) => !line.startsWith('WARN'))).toEqual(['EMFILE', 'WITHOUT a', 'WITH a,b']);
  });
});

describe('more events than the kernel keeps', () => {
  it('lose nothing: what happened last is found within a scan', async () => {
    const most = Number(fs.readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'));
    fs.writeFileSync(join(dir, 'a.yaml'), manifest('a'));
    fs.writeFileSync(join(dir, 'last.yaml'), manifest('last'));
    const program = `
      await source.start(() => undefined);
      console.log('READY');
      await until(() => mtu('a') === 1_301 && mtu('last') === 1_302);
      console.log('FOUND', names());
      await source.stop();
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', childHead() + program]);
    const output: string[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(...chunk.toString().split('\n').filter(Boolean)));
    const ended = new Promise((resolve) => child.once('close', resolve));
    try {
      await until(() => output.includes('READY'), 'READY');
      child.kill('SIGSTOP');
      // Two events at least for each, none like the one before it, so that the kernel cannot merge them.
      for (let round = 0; round < most; round += 1) {
        fs.closeSync(fs.openSync(join(dir, `.x${round % 2}`), 'w'));
        fs.rmSync(join(dir, `.x${round % 2}`));
      }
      move('a.yaml', manifest('a', 1_301));
      move('last.yaml', manifest('last', 1_302));
      child.kill('SIGCONT');
      await ended;
      expect(output.filter((line) => !line.startsWith('WARN'))).toEqual(['READY', 'FOUND a,last']);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
