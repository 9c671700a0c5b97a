import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../pkg/agent/index.ts';
import { silentLogger } from '../../pkg/api/index.ts';
import type { Source } from '../../pkg/reconcile/index.ts';
import { createDirSource } from '../../pkg/source/index.ts';

/**
 * How fast a folder source is, on the real file system. The figures are printed; the limits asserted are some times the goals of
 * docs/architecture.md, since tests share their machine.
 */
let dir: string;
let source: Source | undefined;
let rung: () => void = () => undefined;

function open(): void {
  dir = fs.mkdtempSync(join(tmpdir(), 'ovr-speed-'));
}

async function close(): Promise<void> {
  await source?.stop();
  source = undefined;
  fs.rmSync(dir, { recursive: true });
}

beforeEach(() => {
  rung = () => undefined;
});

const manifest = (name: string, mtu = 1_400): string =>
  `apiVersion: ovr/v1\nkind: Network\nmetadata:\n  name: ${name}\nspec:\n  driver: overlay\n  mtu: ${mtu}\n`;
const mtuOf = (name: string): number | undefined => {
  const object = source?.state().revision?.objects.get(`Network/${name}`);
  return object?.kind === 'Network' ? object.spec.mtu : undefined;
};

async function start(): Promise<Source> {
  await source?.stop();
  source = createDirSource({ dirs: [dir], clock: systemClock, logger: silentLogger });
  await source.start(() => rung());
  return source;
}

function fill(count: number): void {
  for (let index = 0; index < count; index += 1) {
    fs.writeFileSync(join(dir, `n${index}.yaml`), manifest(`n${index}`));
  }
}

function rename(file: string, text: string): void {
  fs.writeFileSync(join(dir, '.new'), text);
  fs.renameSync(join(dir, '.new'), join(dir, file));
}

async function until(holds: () => boolean, what: string, limitMs = 60_000): Promise<number> {
  const startMs = performance.now();
  while (!holds()) {
    if (performance.now() - startMs > limitMs) throw new Error(`never: ${what}`);
    await sleep(5);
  }
  return performance.now() - startMs;
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
const ms = (value: number): string => `${value.toFixed(1)} ms`;

async function renameLatencies(count: number): Promise<number[]> {
  const latencies: number[] = [];
  for (let round = 0; round < count; round += 1) {
    const rings = new Promise<void>((resolve) => {
      rung = resolve;
    });
    const text = manifest('n1', 1_000 + round);
    fs.writeFileSync(join(dir, '.new'), text);
    const startMs = performance.now();
    fs.renameSync(join(dir, '.new'), join(dir, 'n1.yaml'));
    await rings;
    latencies.push(performance.now() - startMs);
    expect(mtuOf('n1')).toBe(1_000 + round);
    await sleep(20);
  }
  return latencies.sort((a, b) => a - b);
}

async function measureRenames(files: number, rounds: number): Promise<number> {
  await renameLatencies(10);
  const latencies = await renameLatencies(rounds);
  const [p50, p99] = [percentile(latencies, 0.5), percentile(latencies, 0.99)];
  console.log(`renamed into place → new revision, ${files} files: p50 ${ms(p50)}, p99 ${ms(p99)}`);
  return p50;
}

describe('few manifests', () => {
  beforeEach(open);
  afterEach(close);

  it('a manifest renamed into place among 100 is in the revision at once', async () => {
    fill(100);
    await start();
    expect(await measureRenames(100, 300)).toBeLessThan(50);
  });

  it('one file that changes a thousand times a second ends up right, renamed or written in place', async () => {
    fill(3);
    const running = await start();
    let rings = 0;
    rung = () => {
      rings += 1;
    };
    for (let round = 0; round < 1_000; round += 1) {
      rename('n0.yaml', manifest('n0', 1_000 + round));
      fs.writeFileSync(join(dir, 'n1.yaml'), manifest('n1', 1_000 + round));
      if (round % 5 === 0) await sleep(1);
    }
    const tookMs = await until(
      () => mtuOf('n0') === 1_999 && mtuOf('n1') === 1_999,
      'the last version',
      20_000,
    );
    console.log(`1,000 changes of one file: the last one in force ${ms(tookMs)} later, ${rings} revisions`);
    expect(running.state().doubt).toBeUndefined();
  });
});

/** One folder, and from the first test on one source: to write and read so many takes longer than what is measured. */
describe('10,000 manifests', () => {
  const COUNT = 10_000;

  beforeAll(async () => {
    open();
    fill(COUNT);
    await sleep(2_100);
  });
  afterAll(close);

  it('are read without holding up the event loop', async () => {
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const startMs = performance.now();
    const running = await start();
    const tookMs = performance.now() - startMs;
    delay.disable();
    console.log(`cold read of 10,000 manifests: ${ms(tookMs)}, longest stall ${ms(delay.max / 1e6)}`);
    expect(running.state().revision?.objects.size).toBe(COUNT);
    expect(running.state().diagnostics).toEqual([]);
    expect(tookMs).toBeLessThan(30_000);
  });

  it('one that is renamed into place among them is in the revision at once', async () => {
    expect(await measureRenames(COUNT, 100)).toBeLessThan(250);
  });

  it('that change within a second end up right, in few steps', async () => {
    let rings = 0;
    rung = () => {
      rings += 1;
    };
    const startMs = performance.now();
    for (let index = 0; index < COUNT; index += 1) {
      rename(`n${index}.yaml`, manifest(`n${index}`, 1_300));
      if (index % 500 === 0) await sleep(1);
    }
    const wroteMs = performance.now() - startMs;
    const all = (): boolean =>
      Array.from({ length: COUNT }, (_, index) => mtuOf(`n${index}`)).every((mtu) => mtu === 1_300);
    await until(all, 'all changed');
    const tookMs = performance.now() - startMs - wroteMs;
    console.log(`10,000 renames in ${ms(wroteMs)}: all in force ${ms(tookMs)} later, ${rings} revisions`);
    expect(rings).toBeLessThan(1_000);
  });
});
