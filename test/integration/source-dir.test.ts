import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../pkg/agent/index.ts';
import { silentLogger } from '../../pkg/api/index.ts';
import type { Source } from '../../pkg/reconcile/index.ts';
import { createDirSource } from '../../pkg/source/index.ts';

/** A folder source on the real file system, with real time: what chokidar and half-written files do to it. */

const RESCAN_MS = 2_000;
const isRoot = process.geteuid?.() === 0;

let base: string;
let dir: string;
let source: Source;
/** Every state that was rung for: which networks there were, and their MTU. */
let history: Map<string, number | undefined>[];
/** Called for each of them. */
let rung: () => void;

beforeEach(() => {
  base = fs.mkdtempSync(join(tmpdir(), 'ovr-source-'));
  dir = join(base, 'd');
  fs.mkdirSync(dir);
  history = [];
  rung = () => undefined;
});

afterEach(async () => {
  await source.stop();
  fs.rmSync(base, { recursive: true });
});

const manifest = (name: string, mtu = 1_400): string =>
  `apiVersion: ovr/v1\nkind: Network\nmetadata:\n  name: ${name}\nspec:\n  driver: overlay\n  mtu: ${mtu}\n`;

function networks(): Map<string, number | undefined> {
  const objects = [...(source.state().revision?.objects.values() ?? [])];
  return new Map(
    objects.map((object) => [object.name, object.kind === 'Network' ? object.spec.mtu : undefined]),
  );
}
const names = (): string[] => [...networks().keys()];
const doubt = (): string => source.state().doubt ?? '';
const codes = (): string[] => source.state().diagnostics.map(({ code }) => code);

async function start(dirs = [dir]): Promise<void> {
  source = createDirSource({ dirs, clock: systemClock, logger: silentLogger, rescanMs: RESCAN_MS });
  await source.start(() => {
    history.push(networks());
    rung();
  });
}

async function until(holds: () => boolean, what: string, limitMs = 20_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > endMs)
      throw new Error(`never: ${what}; ${doubt()} ${codes().join()} ${names().join()}`);
    await sleep(5);
  }
}

const has = (...expected: string[]): Promise<void> =>
  until(() => names().join() === expected.join(), `networks ${expected.join()}`);

function move(file: string, text: string, into = dir): void {
  fs.writeFileSync(join(base, 'new'), text);
  fs.renameSync(join(base, 'new'), join(into, file));
}

describe('a manifest that is written in place with a pause', () => {
  const whole = manifest('n', 1_300);
  /** Nothing, one byte, every line end and the byte on either side of it, within words, all but the last byte. */
  const isChosen = (offset: number): boolean =>
    offset < 2 || offset % 7 === 0 || whole.slice(Math.max(0, offset - 2), offset + 1).includes('\n');
  const offsets = Array.from(whole, (_character, offset) => offset).filter(isChosen);

  it.each([
    ['over a good one, by a writer that keeps it open', true, true],
    ['as a new file, by a writer that keeps it open', false, true],
    ['over a good one, by a writer that opens it twice', true, false],
    ['as a new file, by a writer that opens it twice', false, false],
  ])('%s, is never used half', async (_how, isThere, staysOpen) => {
    const file = (offset: number): string => join(dir, `n${offset}.yaml`);
    const text = (offset: number, mtu: number): string => manifest(`n${offset}`, mtu);
    if (isThere) for (const offset of offsets) fs.writeFileSync(file(offset), text(offset, 1_400));
    await start();
    // Longer than the settle time where the open file gives the writer away, shorter where nothing does.
    const pauseMs = staysOpen ? 400 : 50;
    for (const offset of offsets) {
      const bytes = text(offset, 1_300);
      const descriptor = fs.openSync(file(offset), 'w');
      fs.writeSync(descriptor, bytes.slice(0, offset));
      if (!staysOpen) fs.closeSync(descriptor);
      void sleep(pauseMs).then(() => {
        const again = staysOpen ? descriptor : fs.openSync(file(offset), 'a');
        fs.writeSync(again, bytes.slice(offset));
        fs.closeSync(again);
      });
    }
    await until(
      () => [...networks().values()].filter((mtu) => mtu === 1_300).length === offsets.length,
      'all',
    );
    const mtus = new Set(history.flatMap((state) => [...state.values()]));
    expect([...mtus].filter((mtu) => mtu !== 1_300 && mtu !== 1_400)).toEqual([]);
    if (isThere) expect(new Set(history.map((state) => state.size))).toEqual(new Set([offsets.length]));
    await until(() => doubt() === '' && codes().length === 0, 'no doubt');
  });

  it('is never used half wherever it is cut: a real one, at every byte', async () => {
    const article = fs.readFileSync(join(import.meta.dirname, '../../manifests/article/nginx.yaml'), 'utf8');
    const [document = ''] = article.split(/^---$/m).filter((part) => part.includes('kind: Container'));
    const text = (offset: number, tag: string): string =>
      document.replace(/name: .*/, `name: c${offset}`).replace(/image: .*/, `image: nginx:${tag}`);
    const length = text(0, '1.27').length;
    const offsets = Array.from({ length }, (_, offset) => offset);
    const file = (offset: number): string => join(dir, `c${offset}.yaml`);
    for (const offset of offsets) fs.writeFileSync(file(offset), text(offset, '1.26'));
    await start();
    const specs = (): string[] =>
      [...(source.state().revision?.objects.values() ?? [])].map(({ spec }) => JSON.stringify(spec));
    const [old = ''] = specs();
    const seen = new Set<string>();
    rung = () => specs().forEach((spec) => seen.add(spec));
    const open = offsets.map((offset) => {
      const descriptor = fs.openSync(file(offset), 'w');
      fs.writeSync(descriptor, text(offset, '1.27').slice(0, offset));
      return descriptor;
    });
    await sleep(500);
    for (const offset of offsets) {
      const descriptor = open[offset] ?? 0;
      fs.writeSync(descriptor, text(offset, '1.27').slice(offset));
      fs.closeSync(descriptor);
    }
    const wanted = old.replace('nginx:1.26', 'nginx:1.27');
    await until(() => specs().filter((spec) => spec === wanted).length === length, 'all');
    expect([...seen].filter((spec) => spec !== old)).toEqual([wanted]);
    await until(() => doubt() === '' && codes().join() === 'network-undeclared', 'no doubt');
  });

  it('and then left without its end keeps the good one for two seconds, whatever it means', async () => {
    fs.writeFileSync(join(dir, 'n.yaml'), whole);
    await start();
    fs.writeFileSync(join(dir, 'n.yaml'), whole.slice(0, whole.indexOf('00\n')));
    await sleep(1_000);
    expect(networks().get('n')).toBe(1_300);
    fs.writeFileSync(join(dir, 'n.yaml'), manifest('n', 1_350));
    await until(() => networks().get('n') === 1_350, 'the whole file');
    expect(history.map((state) => state.get('n'))).toEqual([1_300, 1_350]);
  });
});

describe('a folder', () => {
  beforeEach(() => {
    move('a.yaml', manifest('a'));
    move('b.yaml', manifest('b'));
  });

  /** What every fault below must hold to: nothing is dropped while the folder is in doubt. */
  const neverShrank = (): void => {
    expect(history.every((state) => state.has('a') || doubt() === '')).toBe(true);
  };

  it('that is removed and made again is watched again', async () => {
    await start();
    fs.rmSync(dir, { recursive: true });
    await until(() => doubt().includes('cannot be read'), 'doubt');
    expect(names()).toEqual(['a', 'b']);
    fs.mkdirSync(dir);
    await until(() => doubt().includes('empty'), 'doubt about the empty folder');
    expect(names()).toEqual(['a', 'b']);
    move('a.yaml', manifest('a'));
    move('b.yaml', manifest('b'));
    await until(() => doubt() === '', 'no doubt');
    neverShrank();
    expect(names()).toEqual(['a', 'b']);
    const renamedMs = performance.now();
    move('c.yaml', manifest('c'));
    await has('a', 'b', 'c');
    expect(performance.now() - renamedMs).toBeLessThan(RESCAN_MS / 2);
  });

  it('that is removed and made again in one go, with the same inode number, is noticed', async () => {
    await start();
    fs.rmSync(dir, { recursive: true });
    fs.mkdirSync(dir);
    await sleep(RESCAN_MS * 2);
    expect(names()).toEqual(['a', 'b']);
    expect(doubt()).toContain('empty');
  });

  it('that another one is renamed over is watched again, and counts once it is stable', async () => {
    await start();
    const next = join(base, 'next');
    fs.mkdirSync(next);
    move('b.yaml', manifest('b', 1_300), next);
    move('c.yaml', manifest('c'), next);
    fs.renameSync(dir, join(base, 'old'));
    fs.renameSync(next, dir);
    await until(() => networks().get('b') === 1_300, 'the new folder');
    expect(names()).toEqual(['a', 'b', 'c']);
    expect(doubt()).toContain('replaced');
    await has('b', 'c');
    expect(doubt()).toBe('');
    fs.writeFileSync(join(base, 'old', 'z.yaml'), manifest('z'));
    move('d.yaml', manifest('d'));
    await has('b', 'c', 'd');
  });

  it('that is a link which is pointed elsewhere follows within one scan', async () => {
    const [link, other] = [join(base, 'link'), join(base, 'other')];
    fs.symlinkSync(dir, link);
    await start([link]);
    expect(names()).toEqual(['a', 'b']);
    fs.mkdirSync(other);
    move('c.yaml', manifest('c'), other);
    fs.symlinkSync(other, join(base, 'link2'));
    fs.renameSync(join(base, 'link2'), link);
    await has('c');
    move('d.yaml', manifest('d'), other);
    await has('c', 'd');
  });

  it('whose parent is moved away and back removes nothing', async () => {
    const parent = join(base, 'p');
    fs.mkdirSync(parent);
    fs.renameSync(dir, join(parent, 'd'));
    await start([join(parent, 'd')]);
    fs.renameSync(parent, join(base, 'q'));
    await until(() => doubt() !== '', 'doubt');
    expect(names()).toEqual(['a', 'b']);
    fs.renameSync(join(base, 'q'), parent);
    await until(() => doubt() === '', 'no doubt');
    move('c.yaml', manifest('c'), join(parent, 'd'));
    await has('a', 'b', 'c');
  });

  // Root may read everything, so a child that is nobody stands for an agent that lost its permission.
  it.skipIf(!isRoot)('that nobody may read any more removes nothing', async () => {
    const script = `
      import { createDirSource } from '${join(import.meta.dirname, '../../pkg/source/index.ts')}';
      import { systemClock } from '${join(import.meta.dirname, '../../pkg/agent/index.ts')}';
      import { silentLogger } from '${join(import.meta.dirname, '../../pkg/api/index.ts')}';
      const source = createDirSource({ dirs: ['${dir}'], clock: systemClock, logger: silentLogger, rescanMs: 200 });
      await source.start(() => {
        const { revision, doubt = '' } = source.state();
        console.log(JSON.stringify([[...(revision?.objects.keys() ?? [])].length, doubt]));
      });
      process.stdin.once('data', () => process.exit(0));
    `;
    fs.chmodSync(base, 0o755);
    const nobody = { uid: 65_534, gid: 65_534 };
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], nobody);
    let said = '';
    child.stdout.on('data', (text: Buffer) => (said += text.toString()));
    const states = (): [number, string][] =>
      said
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as [number, string]);
    const lastDoubt = (): string | undefined => states().at(-1)?.[1];
    await until(() => lastDoubt() === '', 'read as nobody');
    fs.chmodSync(dir, 0o700);
    await until(() => lastDoubt()?.includes('EACCES') === true, 'doubt');
    fs.chmodSync(dir, 0o755);
    await until(() => lastDoubt() === '', 'no doubt');
    child.stdin.write('done\n');
    expect(new Set(states().map(([objects]) => objects))).toEqual(new Set([2]));
    source = createDirSource({ dirs: [], clock: systemClock, logger: silentLogger });
  });

  it.skipIf(!isRoot)('that is a mount point removes nothing when it is unmounted', async () => {
    const point = join(base, 'point');
    fs.mkdirSync(point);
    const mount = (): boolean => spawnSync('mount', ['-t', 'tmpfs', 'ovr-test', point]).status === 0;
    if (!mount()) return;
    try {
      fs.writeFileSync(join(point, 'm.yaml'), manifest('m'));
      await start([point]);
      expect(names()).toEqual(['m']);
      execFileSync('umount', [point]);
      await until(() => doubt().includes('empty'), 'doubt');
      await sleep(RESCAN_MS * 2);
      expect([names(), doubt()]).toEqual([['m'], expect.stringContaining('empty')]);
      expect(mount()).toBe(true);
      fs.writeFileSync(join(point, 'm.yaml'), manifest('m', 1_300));
      await until(() => networks().get('m') === 1_300 && doubt() === '', 'the new mount');
    } finally {
      spawnSync('umount', [point]);
    }
  });

  it.each([
    ['to an empty folder', 'empty', (to: string) => fs.mkdirSync(to)],
    ['to nothing', 'cannot be read', () => undefined],
  ])('that is a link which is pointed %s removes nothing', async (_where, says, make) => {
    const [link, other] = [join(base, 'link'), join(base, 'other')];
    const point = (to: string): void => {
      fs.symlinkSync(to, join(base, 'link2'));
      fs.renameSync(join(base, 'link2'), link);
    };
    point(dir);
    await start([link]);
    make(other);
    point(other);
    await until(() => doubt().includes(says), 'doubt');
    await sleep(RESCAN_MS * 2);
    expect([names(), doubt()]).toEqual([['a', 'b'], expect.stringContaining(says)]);
    point(dir);
    await until(() => doubt() === '', 'no doubt');
    expect(names()).toEqual(['a', 'b']);
  });

  it.skipIf(!isRoot)('that is mounted over and unmounted removes nothing while it is empty', async () => {
    await start();
    const mounted = spawnSync('mount', ['-t', 'tmpfs', 'ovr-test', dir]).status === 0;
    if (!mounted) return;
    try {
      await until(() => doubt().includes('empty'), 'doubt');
      expect(names()).toEqual(['a', 'b']);
    } finally {
      execFileSync('umount', [dir]);
    }
    await until(() => doubt() === '', 'no doubt');
    expect(names()).toEqual(['a', 'b']);
  });
});

describe('what else lies in the folder', () => {
  it('neither blocks nor is followed, and does not hinder the rest', async () => {
    execFileSync('mkfifo', [join(dir, 'pipe.yaml')]);
    fs.symlinkSync('/etc/shadow', join(dir, 'shadow.yaml'));
    fs.symlinkSync('/dev/zero', join(dir, 'zero.yaml'));
    fs.symlinkSync('loop.yaml', join(dir, 'loop.yaml'));
    for (let link = 0; link < 41; link += 1) fs.symlinkSync(`.l${link + 1}`, join(dir, `.l${link}`));
    fs.writeFileSync(join(dir, '.l41'), manifest('far'));
    fs.symlinkSync('.l0', join(dir, 'far.yaml'));
    const socket = createServer().listen(join(dir, 'socket.yaml'));
    await once(socket, 'listening');
    if (isRoot) execFileSync('mknod', [join(dir, 'device.yaml'), 'c', '1', '5']);
    fs.writeFileSync(join(dir, 'huge.yaml'), '');
    fs.truncateSync(join(dir, 'huge.yaml'), 1024 ** 3);
    fs.writeFileSync(
      join(dir, 'keys.yaml'),
      `{${Array.from({ length: 4_000 }, (_, i) => `k${i}: 1`).join()}}\n`,
    );
    fs.writeFileSync(join(dir, 'deep.yaml'), `${'['.repeat(30_000)}\n`);
    fs.writeFileSync(join(dir, 'nul.yaml'), 'a: "\0"\n');
    await start();
    move('a.yaml', manifest('a'));
    await has('a');
    const byFile = Object.fromEntries(source.state().diagnostics.map(({ file, code }) => [file, code]));
    expect(byFile).toMatchObject({
      [join(dir, 'pipe.yaml')]: 'file-not-regular',
      [join(dir, 'shadow.yaml')]: 'file-outside-folder',
      [join(dir, 'zero.yaml')]: 'file-outside-folder',
      [join(dir, 'loop.yaml')]: 'file-unreadable',
      [join(dir, 'far.yaml')]: 'file-unreadable',
      [join(dir, 'socket.yaml')]: 'file-not-regular',
      ...(isRoot ? { [join(dir, 'device.yaml')]: 'file-not-regular' } : {}),
      [join(dir, 'huge.yaml')]: 'file-too-large',
    });
    expect(doubt()).toContain('have never been read');
    socket.close();
  });

  it('may be swapped for a link to a secret at any moment', async () => {
    const secret = 'root:x:0:0';
    fs.writeFileSync(join(base, 'secret'), `${secret}\n`);
    move('a.yaml', manifest('a'));
    await start();
    for (let round = 0; round < 200; round += 1) {
      fs.symlinkSync('../secret', join(dir, '.l'));
      fs.renameSync(join(dir, '.l'), join(dir, 'a.yaml'));
      move('a.yaml', manifest('a', 1_000 + round));
      if (round % 10 === 0) await sleep(2);
    }
    await until(() => networks().get('a') === 1_199, 'the last version');
    expect(JSON.stringify([...history.map((state) => [...state]), source.state().diagnostics])).not.toContain(
      secret,
    );
  });
});
