import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../api/index.ts';
import type { LoadRequest } from './sighting.ts';
import { WorkerReader } from './worker-reader.ts';

let dir: string;
let clock: FakeClock;
let reader: WorkerReader;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ovr-worker-'));
  clock = new FakeClock();
  reader = new WorkerReader(clock);
});

afterEach(async () => {
  await reader.stop();
  rmSync(dir, { recursive: true });
});

const network = (name: string): string =>
  `apiVersion: ovr/v1\nkind: Network\nmetadata: {name: ${name}}\nspec: {}\n`;

function put(files: number): void {
  for (let index = 0; index < files; index += 1) {
    writeFileSync(join(dir, `n${index}.yaml`), network(`n${index}`));
  }
}

async function requests(): Promise<LoadRequest[]> {
  const { sightings } = await reader.look({ dir });
  const rules = { checkWriters: 'never', acceptBlind: true, acceptUnterminated: true } as const;
  return sightings.flatMap((sighting) => {
    if (sighting.kind !== 'file') return [];
    const { name, print, size } = sighting;
    return [{ name, file: name, print, size, rules }];
  });
}

describe('WorkerReader', () => {
  it('looks, scans, loads and parses', async () => {
    put(120);
    const asked = await requests();
    expect((await reader.scan({ dir })).listed?.names.length).toBe(120);
    const results = await reader.load(dir, asked);
    expect(results.map(({ name }) => name)).toEqual(asked.map(({ name }) => name));
    const objects = results.flatMap((result) => (result.status === 'loaded' ? result.parsed.objects : []));
    expect(objects.length).toBe(120);
    expect(await reader.parse(network('n'), '<stdin>')).toMatchObject({ objects: [{ key: 'Network/n' }] });
  });

  it('fails with the reason when the folder cannot be read', async () => {
    await expect(reader.look({ dir: join(dir, 'missing') })).rejects.toThrow('ENOENT');
    await expect(reader.scan({ dir: join(dir, 'missing') })).rejects.toThrow('ENOENT');
  });

  it('gives up a file that takes too long, and goes on with a new worker', async () => {
    writeFileSync(join(dir, 'a.yaml'), network('a'));
    const asked = await requests();
    const loading = reader.load(dir, asked);
    await waitForDeadline();
    clock.advance(2_001);
    expect(await loading).toMatchObject([{ status: 'refused', refusal: { code: 'parse-timeout' } }]);
    expect(await reader.load(dir, asked)).toMatchObject([{ status: 'loaded' }]);
  });

  it('tries the files of a batch that takes too long one by one', async () => {
    writeFileSync(join(dir, 'a.yaml'), network('a'));
    writeFileSync(join(dir, 'b.yaml'), network('b'));
    const loading = reader.load(dir, await requests());
    await waitForDeadline();
    clock.advance(2_001);
    expect((await loading).map(({ status }) => status)).toEqual(['loaded', 'loaded']);
  });

  it('holds nothing against a file that is at hand when the worker is ended', async () => {
    put(51);
    // Two questions are out at once; the second is for one file.
    const loading = reader.load(dir, await requests());
    await waitForDeadline();
    clock.advance(3_000);
    expect((await loading).map(({ status }) => status)).toEqual(Array(51).fill('loaded'));
  });

  it('lets the time of a batch begin when the worker comes to it', async () => {
    put(100);
    const asked = (await requests()).map((request, index) =>
      index === 0 ? { ...request, size: 4 * 1024 * 1024 } : request,
    );
    const loading = reader.load(dir, asked);
    await waitForDeadline();
    clock.advance(9_999);
    expect(clock.pending).toBe(1);
    expect((await loading).map(({ status }) => status)).toEqual(Array(100).fill('loaded'));
  });

  it('gives memory back 10 s after it has read thousands of files, and not before', async () => {
    put(2_000);
    const asked = await requests();
    await reader.load(dir, asked.slice(1));
    expect(clock.pending).toBe(0);
    await reader.load(dir, asked.slice(0, 1));
    expect(clock.pending).toBe(1);
    clock.advance(9_999);
    await reader.load(dir, asked.slice(0, 1));
    clock.advance(9_999);
    expect(clock.pending).toBe(1);
    clock.advance(1);
    // Behind the question for it.
    await reader.look({ dir });
    expect(clock.pending).toBe(0);
    expect((await reader.load(dir, asked.slice(0, 1))).map(({ status }) => status)).toEqual(['loaded']);
    expect(clock.pending).toBe(0);
  });

  it('gives a large file more time', async () => {
    writeFileSync(join(dir, 'a.yaml'), network('a'));
    const asked = (await requests()).map((request) => ({ ...request, size: 4 * 1024 * 1024 }));
    const loading = reader.load(dir, asked);
    await waitForDeadline();
    clock.advance(9_999);
    expect(await loading).toMatchObject([{ status: 'loaded' }]);
  });

  it('answers nothing after it was stopped, also what was asked before', async () => {
    await reader.look({ dir });
    const asked = expect(reader.look({ dir })).rejects.toThrow('stopped');
    await reader.stop();
    await asked;
    await expect(reader.look({ dir })).rejects.toThrow('stopped');
  });
});

/** Until the worker, which is up, has been asked. It cannot answer before the test goes on. */
async function waitForDeadline(): Promise<void> {
  while (clock.pending === 0) await Promise.resolve();
}
