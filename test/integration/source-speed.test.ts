import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../pkg/agent/index.ts';
import { silentLogger } from '../../pkg/api/index.ts';
import type { Source } from '../../pkg/reconcile/index.ts';
import { createDirSource } from '../../pkg/source/index.ts';

/**
 * How fast a folder source is, on the real file system. The figures are printed; the limits asserted are some times the goals of
 * docs/architecture.md, since tests share their machine.
 */
let dir: string;
let source: Source;
let rung: () => void;

beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'ovr-speed-'));
  rung = () => undefined;
});

afterEach(async () => {
  await source.stop();
  fs.rmSync(dir, { recursive: true });
});

const manifest = (name: string, mtu = 1_400): string =>
  `apiVersion: ovr/v1\nkind: Network\nmetadata:\n  name: ${name}\nspec:\n  driver: overlay\n  mtu: ${mtu}\n`;
const mtuOf = (name: string): number | undefined => {
  const object = source.state().revision?.objects.get(`Network/${name}`);
  return object?.kind === 'Network' ? object.spec.mtu : undefined;
};

async function start(): Promise<void> {
  source = createDirSource({ dirs: [dir], clock: systemClock, logger: silentLogger });
  await source.start(() => rung());
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

it.each([
  [100, 300, 50],
  [10_000, 100, 250],
])('a manifest renamed into place among %d is in the revision at once', async (files, rounds, limitMs) => {
  fill(files);
  await start();
  await renameLatencies(10);
  const latencies = await renameLatencies(rounds);
  const [p50, p99] = [percentile(latencies, 0.5), percentile(latencies, 0.99)];
  console.log(`renamed into place → new revision, ${files} files: p50 ${ms(p50)}, p99 ${ms(p99)}`);
  expect(p50).toBeLessThan(limitMs);
});

it('10,000 manifests are read without holding up the event loop', async () => {
  fill(10_000);
  await sleep(2_100);
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const startMs = performance.now();
  await start();
  const tookMs = performance.now() - startMs;
  delay.disable();
  console.log(`cold read of 10,000 manifests: ${ms(tookMs)}, longest stall ${ms(delay.max / 1e6)}`);
  expect(source.state().revision?.objects.size).toBe(10_000);
  expect(source.state().diagnostics).toEqual([]);
  expect(tookMs).toBeLessThan(30_000);
});

it('10,000 files that change within a second end up right, in few steps', async () => {
  fill(10_000);
  await start();
  let rings = 0;
  rung = () => {
    rings += 1;
  };
  const startMs = performance.now();
  for (let index = 0; index < 10_000; index += 1) {
    rename(`n${index}.yaml`, manifest(`n${index}`, 1_300));
    if (index % 500 === 0) await sleep(1);
  }
  const wroteMs = performance.now() - startMs;
  const all = (): boolean =>
    Array.from({ length: 10_000 }, (_, index) => mtuOf(`n${index}`)).every((mtu) => mtu === 1_300);
  await until(all, 'all changed');
  const tookMs = performance.now() - startMs - wroteMs;
  console.log(`10,000 renames in ${ms(wroteMs)}: all in force ${ms(tookMs)} later, ${rings} revisions`);
  expect(rings).toBeLessThan(1_000);
});

it('one file that changes a thousand times a second ends up right, renamed or written in place', async () => {
  fill(3);
  await start();
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
  expect(source.state().doubt).toBeUndefined();
});
