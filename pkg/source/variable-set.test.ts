/** Variables of manifests, as the source of a folder has them. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DirectReader, ManualWatch } from '../../test/build/direct-reader.ts';
import { passTime, settleTurns } from '../../test/build/passing.ts';
import { FakeClock, silentLogger } from '../api/index.ts';
import type { Source } from '../reconcile/index.ts';
import { createDirSource } from './dir-source.ts';

let base: string;
let dir: string;
let clock: FakeClock;
let reader: DirectReader;
let watch: ManualWatch;
let source: Source;
let rings: number;

const asking = (name: string): string =>
  `apiVersion: ovr/v1\nkind: Network\nmetadata:\n  name: ${name}\n  annotations: {ovr/substitute: "true"}\nspec:\n  mtu: \${MTU}\n`;
const plain = 'apiVersion: ovr/v1\nkind: Network\nmetadata: {name: b}\nspec: {}\n';

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'ovr-variables-'));
  dir = join(base, 'd');
  mkdirSync(dir);
  writeFileSync(join(dir, 'a.yaml'), asking('a'));
  writeFileSync(join(dir, 'b.yaml'), plain);
  clock = new FakeClock();
  reader = new DirectReader();
  rings = 0;
});

afterEach(async () => {
  await source.stop();
  rmSync(base, { recursive: true });
});

const vars = (): string => join(base, 'site.vars');
const keys = (): string[] => [...(source.state().revision?.objects.keys() ?? [])];
const codes = (): string[] => source.state().diagnostics.map(({ code }) => code);
const doubt = (): string => source.state().doubt ?? '';
const mtu = (name: string): unknown => source.state().revision?.objects.get(`Network/${name}`)?.spec;

function make(values: Readonly<Record<string, string>>): Source {
  return createDirSource({
    dirs: [dir],
    variables: { values, files: [vars()] },
    clock,
    logger: silentLogger,
    reader,
    watcher: (options) => (watch = new ManualWatch(options)),
  });
}

const settle = (): Promise<void> => settleTurns(40);
const pass = (ms: number): Promise<void> => passTime(clock, ms, 40);

async function start(): Promise<void> {
  await source.start(() => (rings += 1));
  await settle();
}

/** Starts with a file that was written long ago. */
async function startWith(
  text: string | undefined,
  values: Readonly<Record<string, string>> = {},
): Promise<void> {
  if (text !== undefined) writeFileSync(vars(), text);
  clock.setNow(Date.now() + 60_000);
  source = make(values);
  await start();
  reader.loads = [];
}

function move(file: string, text: string): void {
  writeFileSync(join(dir, '.new'), text);
  renameSync(join(dir, '.new'), join(dir, file));
  watch.moved(file);
}

it('come from a file, and from options that win over it', async () => {
  await startWith('MTU=1300\n');
  expect([mtu('a'), codes(), doubt()]).toMatchObject([{ mtu: 1300 }, [], '']);
  await source.stop();
  await startWith('MTU=1300\n', { MTU: '1200' });
  expect(mtu('a')).toMatchObject({ mtu: 1200 });
});

it('that change are used within 10 s, and only what asks for them is read again', async () => {
  await startWith('MTU=1300\n');
  writeFileSync(vars(), 'MTU=1350\n');
  await pass(10_500);
  expect([mtu('a'), reader.loads, rings]).toMatchObject([{ mtu: 1350 }, ['a.yaml'], 2]);
  await pass(20_000);
  expect(reader.loads).toEqual(['a.yaml']);
});

it('that change with a manifest are used with it', async () => {
  await startWith('MTU=1300\n');
  writeFileSync(vars(), 'MTU=1350\n');
  clock.setNow(Date.now() + 120_000);
  move('c.yaml', asking('c'));
  await settle();
  expect([mtu('a'), mtu('c')]).toMatchObject([{ mtu: 1350 }, { mtu: 1350 }]);
});

it('of a file that is being written wait until it is whole', async () => {
  await startWith('MTU=1300\n');
  await pass(9_950);
  clock.setNow(Date.now());
  writeFileSync(vars(), 'MTU=140');
  await pass(200);
  writeFileSync(vars(), 'MTU=1400\n');
  await pass(1_000);
  expect([mtu('a'), codes(), rings]).toMatchObject([{ mtu: 1300 }, [], 1]);
  await pass(2_000);
  expect([mtu('a'), codes(), rings]).toMatchObject([{ mtu: 1400 }, [], 2]);
});

it('of a file that was never whole are waited for at the start, with everything else', async () => {
  clock.setNow(Date.now());
  writeFileSync(vars(), 'MTU=140');
  source = make({});
  let started = false;
  const starting = start().then(() => {
    started = true;
  });
  await settle();
  writeFileSync(vars(), 'MTU=1400\n');
  expect(started).toBe(false);
  await pass(3_000);
  await starting;
  expect([mtu('a'), codes(), rings]).toMatchObject([{ mtu: 1400 }, [], 1]);
});

it('of a file that is broken or gone stay, and that is told', async () => {
  await startWith('MTU=1300\n');
  writeFileSync(vars(), 'MTU 1350\n');
  await pass(10_500);
  expect([mtu('a'), codes(), doubt()]).toMatchObject([{ mtu: 1300 }, ['variables-invalid'], '']);
  rmSync(vars());
  await pass(10_500);
  expect([mtu('a'), codes(), doubt()]).toMatchObject([{ mtu: 1300 }, ['file-unreadable'], '']);
  writeFileSync(vars(), 'MTU=1350\n');
  await pass(10_500);
  expect([mtu('a'), codes()]).toMatchObject([{ mtu: 1350 }, []]);
});

it('that are not defined keep what was in force', async () => {
  await startWith('MTU=1300\n');
  writeFileSync(vars(), 'MTV=1350\n');
  await pass(10_500);
  expect([mtu('a'), codes()]).toMatchObject([{ mtu: 1300 }, ['variable-undefined']]);
});

it('of a file that is not there yet hold nothing else up, and come when it is', async () => {
  await startWith(undefined);
  expect([keys(), codes()]).toEqual([['Network/b'], ['file-unreadable', 'variable-undefined']]);
  expect(doubt()).toContain('never been read without errors');
  writeFileSync(vars(), 'MTU=1300\n');
  await pass(10_500);
  expect([keys(), codes(), doubt()]).toEqual([['Network/a', 'Network/b'], [], '']);
});
