import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../api/index.ts';
import { LocalHolds } from './local-holds.ts';

let folder: string;
let clock: FakeClock;
let told: string[];
let changes: number;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ovr-holds-'));
  clock = new FakeClock();
  told = [];
  changes = 0;
});
afterEach(() => rm(folder, { recursive: true }));

function path(): string {
  return join(folder, 'state', 'holds.json');
}

async function open(): Promise<LocalHolds> {
  const holds = new LocalHolds(path(), {
    clock,
    changed: () => (changes += 1),
    tell: (message) => told.push(message),
  });
  await holds.load();
  return holds;
}

const rollback = { id: 'rollback', who: 'ann', whenMs: 5, what: '{}' };

describe('local holds', () => {
  it('outlive the process, one file of their own', async () => {
    const first = await open();
    await Promise.all([
      first.put(rollback),
      first.put({ ...rollback, id: 'switch/b', note: 'why' }),
      first.put({ ...rollback, id: 'switch/a' }),
    ]);
    await first.release('switch/b');
    await first.release('switch/b');
    await first.put(rollback);
    expect(changes).toBe(4);
    expect((await stat(path())).mode & 0o777).toBe(0o600);
    const second = await open();
    expect(second.list()).toEqual([rollback, { ...rollback, id: 'switch/a' }]);
    expect(told).toEqual([]);
  });

  it('whose time is over go with the next write', async () => {
    const holds = await open();
    await holds.put({ ...rollback, untilMs: clock.now() + 1_000 });
    await clock.advanceAsync(1_000);
    expect(holds.list()).toHaveLength(1);
    await holds.put({ ...rollback, id: 'switch/a' });
    expect(holds.list().map(({ id }) => id)).toEqual(['switch/a']);
  });

  it('are refused when they cannot be', async () => {
    const holds = await open();
    await expect(holds.put({ ...rollback, id: 'freeze' })).rejects.toMatchObject({ code: 'invalid-request' });
    await holds.put(rollback);
    expect(holds.list()).toEqual([rollback]);
  });

  it.each([
    ['cut', '{"format":1,"holds":[{"id"', 'JSON'],
    ['of a newer ovr', '{"format":2,"holds":[]}', 'format 2'],
    ['of another shape', '{"format":1,"holds":[{"id":"rollback"}]}', 'who is no text'],
    ['no list', '{"format":1,"holds":{}}', 'no list'],
  ])('in a file that is %s are told, and nothing of it is lost', async (_what, text, why) => {
    const first = await open();
    await first.put(rollback);
    await writeFile(path(), text);
    const second = await open();
    expect(second.list()).toEqual([]);
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(`cannot read the holds in ${path()} (`);
    expect(told[0]).toContain(why);
    expect(await readFile(path(), 'utf8')).toBe(text);
    await second.put({ ...rollback, id: 'switch/a' });
    expect(await readFile(`${path()}.damaged`, 'utf8')).toBe(text);
    expect((await open()).list().map(({ id }) => id)).toEqual(['switch/a']);
    expect(told).toEqual([told[0], `the holds that could not be read are in ${path()}.damaged now`]);
  });

  it('that cannot be written do not come into force', async () => {
    await writeFile(join(folder, 'state'), 'a file where the folder must be');
    const holds = new LocalHolds(path(), { clock, changed: () => (changes += 1), tell: () => undefined });
    await expect(holds.put(rollback)).rejects.toMatchObject({ code: 'state-unwritable' });
    expect([holds.list(), changes, await readdir(folder)]).toEqual([[], 0, ['state']]);
  });
});
