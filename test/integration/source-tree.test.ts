import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../pkg/agent/index.ts';
import { silentLogger } from '../../pkg/api/index.ts';
import type { Source } from '../../pkg/reconcile/index.ts';
import { createDirSource } from '../../pkg/source/index.ts';

/** Folders below the manifest folder on the real file system, with real events, real time and real refusals. */

const isRoot = process.geteuid?.() === 0;

let base: string;
let dir: string;
let source: Source | undefined;
/** What was declared at each ring, and what was wrong with it. */
let history: { readonly names: readonly string[]; readonly codes: readonly string[] }[];

beforeEach(() => {
  base = fs.mkdtempSync(join(tmpdir(), 'ovr-source-tree-'));
  dir = join(base, 'd');
  fs.mkdirSync(dir);
  history = [];
});

afterEach(async () => {
  await source?.stop();
  source = undefined;
  fs.rmSync(base, { recursive: true });
});

const manifest = (name: string): string =>
  `apiVersion: ovr/v1\nkind: Network\nmetadata:\n  name: ${name}\nspec:\n  driver: overlay\n`;

function put(file: string, name: string, into = dir): void {
  fs.mkdirSync(dirname(join(into, file)), { recursive: true });
  fs.writeFileSync(join(base, 'new'), manifest(name));
  fs.renameSync(join(base, 'new'), join(into, file));
}

const names = (): string[] => [...(source?.state().revision?.objects.values() ?? [])].map(({ name }) => name);
const doubt = (): string => source?.state().doubt ?? '';
const fileOf = (name: string): string | undefined =>
  source
    ?.state()
    .revision?.objects.get(`Network/${name}`)
    ?.origin.file.slice(dir.length + 1);

async function start(rescanMs: number): Promise<void> {
  const options = { dirs: [dir], recursive: true, clock: systemClock, logger: silentLogger, rescanMs };
  source = createDirSource(options);
  const note = ({ diagnostics }: ReturnType<Source['state']>): void => {
    history.push({ names: names(), codes: diagnostics.map(({ code }) => code) });
  };
  await source.start(() => source && note(source.state()));
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const endMs = performance.now() + 20_000;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`never: ${what}; ${doubt()} ${names().join()}`);
    await sleep(5);
  }
}

const has = (...expected: readonly string[]): Promise<void> =>
  until(() => names().join() === expected.join() && doubt() === '', `networks ${expected.join()}`);

describe('by events alone', () => {
  // So long that no scan comes to their help.
  beforeEach(async () => {
    put('a.yaml', 'a');
    put('sub/deep/b.yaml', 'b');
    await start(600_000);
    await has('a', 'b');
  });

  it('files and folders are followed that come, move and go, and no object is lost or in dispute meanwhile', async () => {
    put('sub/deep/c.yaml', 'c');
    await has('a', 'b', 'c');
    const many = Array.from({ length: 100 }, (_, index) => `n${index + 100}`);
    for (const [index, name] of many.entries()) put(`${index % 3}/x/${name}.yaml`, name, join(base, 'team'));
    fs.renameSync(join(base, 'team'), join(dir, 'team'));
    await has('a', 'b', 'c', ...many);
    const moves = [
      ['a.yaml', 'sub/a.yaml'],
      ['sub/deep/c.yaml', 'c.yaml'],
      ['team', 'sub/deep/team'],
      ['sub', 'sub2'],
      ['sub2/a.yaml', 'sub2/deep/team/a.yaml'],
    ] as const;
    for (const [from, to] of moves) {
      fs.renameSync(join(dir, from), join(dir, to));
      const moved = (): boolean => fs.existsSync(join(dir, fileOf('a') ?? '')) && doubt() === '';
      await until(() => moved() && fs.existsSync(join(dir, fileOf('n100') ?? '')), `${from} at ${to}`);
    }
    await until(() => fileOf('a') === 'sub2/deep/team/a.yaml', 'a at its last place');
    put('sub2/deep/team/0/x/d.yaml', 'd');
    await has('a', 'b', 'c', 'd', ...many);
    expect(history.flatMap(({ codes }) => codes)).toEqual([]);
    const isWhole = (state: (typeof history)[number]): boolean =>
      ['a', 'b', 'c', ...many].every((name) => state.names.includes(name));
    const lost = history.slice(history.findIndex(isWhole)).filter((state) => !isWhole(state));
    expect(lost).toEqual([]);
    fs.rmSync(join(dir, 'sub2'), { recursive: true });
    await has('c');
  });

  it('a folder is followed that is made anew, and filled with folders alone', async () => {
    fs.rmSync(join(dir, 'sub'), { recursive: true });
    fs.mkdirSync(join(dir, 'sub'));
    await until(
      () => doubt().includes('sub was replaced by an empty one') || names().join() === 'a',
      'notice',
    );
    put('sub/deep/b.yaml', 'b');
    await has('a', 'b');
    put('sub/deep/c.yaml', 'c');
    await has('a', 'b', 'c');
  });
});

/** Runs a program about the folder under another command, and returns the lines that it printed. */
function inChild(program: string, under: readonly string[]): string[] {
  const root = join(import.meta.dirname, '../..');
  const head = `
    import * as fs from 'node:fs';
    import { join } from 'node:path';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { createDirSource } from '${root}/pkg/source/index.ts';
    import { systemClock } from '${root}/pkg/agent/index.ts';
    const dir = '${dir}';
    const logger = { debug() {}, info() {}, error() {}, child: () => logger, warn: (fields, message) => console.log('WARN', message) };
    const source = createDirSource({ dirs: [dir], recursive: true, clock: systemClock, logger, rescanMs: 300 });
    const names = () => [...(source.state().revision?.objects.values() ?? [])].map(({ name }) => name).join();
    const doubt = () => source.state().doubt ?? '';
    const put = (file, name) => {
      fs.writeFileSync('${base}/new', ${JSON.stringify(manifest('NAME'))}.replace('NAME', name));
      fs.renameSync('${base}/new', join(dir, file));
    };
    const until = async (holds) => {
      for (let tries = 0; !holds(); tries += 1) {
        if (tries > 4000) throw new Error('never: ' + holds + ' ' + doubt() + ' ' + names());
        await sleep(5);
      }
    };
    await source.start(() => undefined);
  `;
  const words = [
    ...under,
    process.execPath,
    '--input-type=module',
    '--eval',
    `${head}${program}await source.stop();`,
  ];
  const run = spawnSync(words[0] ?? '', words.slice(1), { encoding: 'utf8', timeout: 60_000 });
  return `${run.stdout}${run.stderr}`.split('\n').filter((line) => line !== '');
}

describe('a folder below', () => {
  it.each([
    ['may not be read any more', 'fs.chmodSync(join(dir, "sub"), 0);'],
    ['may not be entered any more', 'fs.chmodSync(join(dir, "sub"), 0o444);'],
  ])('that %s removes nothing, and others are followed', (_what, take) => {
    put('a.yaml', 'a');
    put('sub/b.yaml', 'b');
    put('sub/deep/c.yaml', 'c');
    const run = inChild(
      `
      ${take}
      await until(() => doubt().includes('sub cannot be read (EACCES'));
      put('d.yaml', 'd');
      fs.rmSync(join(dir, 'a.yaml'));
      await until(() => names() === 'b,c,d');
      console.log('DOUBT', names(), doubt().split('cannot be read').length - 1);
      fs.chmodSync(join(dir, 'sub'), 0o755);
      await until(() => doubt() === '');
      console.log('BACK', names());
      `,
      // Root may read everything; without these two it is like everybody else.
      isRoot ? ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'] : [],
    );
    expect(run.filter((line) => !line.startsWith('WARN'))).toEqual(['DOUBT b,c,d 1', 'BACK b,c,d']);
  });

  it('is found and followed by scanning without inotify, with one warning for all', () => {
    put('a.yaml', 'a');
    put('sub/b.yaml', 'b');
    put('sub2/c.yaml', 'c');
    const program = `
      fs.mkdirSync(join(dir, 'new/er'), { recursive: true });
      put('new/er/d.yaml', 'd');
      await until(() => names() === 'a,b,c,d');
      fs.rmSync(join(dir, 'sub'), { recursive: true });
      await until(() => names() === 'a,c,d' && doubt() === '');
      console.log('FOUND');
    `;
    const lower = [
      'unshare',
      '-Ur',
      'sh',
      '-c',
      `echo 0 > /proc/sys/user/max_inotify_watches && exec "$@"`,
      'sh',
    ];
    const lines = inChild(program, lower);
    if (lines.some((line) => line.includes('unshare'))) return;
    expect(lines).toEqual([expect.stringContaining('WARN cannot watch for changes') as string, 'FOUND']);
  });

  it.skipIf(!isRoot)('that is a mount point removes nothing when it is unmounted', async () => {
    const point = join(dir, 'point');
    fs.mkdirSync(point);
    put('a.yaml', 'a');
    const mount = (): boolean => spawnSync('mount', ['-t', 'tmpfs', 'ovr-test', point]).status === 0;
    if (!mount()) return;
    try {
      fs.writeFileSync(join(point, 'm.yaml'), manifest('m'));
      await start(300);
      await has('a', 'm');
      execFileSync('umount', [point]);
      await until(() => doubt().includes('point was replaced by an empty one'), 'doubt');
      put('b.yaml', 'b');
      await until(() => names().join() === 'a,b,m', 'the others');
      expect(mount()).toBe(true);
      fs.writeFileSync(join(point, 'm.yaml'), manifest('m2'));
      await has('a', 'b', 'm2');
    } finally {
      spawnSync('umount', [point]);
    }
  });
});
