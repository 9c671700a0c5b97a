/**
 * A process that holds nothing but a folder source, as it is built: how long its first look takes, how long one changed file takes, and, for
 * whoever watches it from outside, how much memory it needs. Plain JavaScript, since stripping types would take memory of its own.
 * Usage: node source-holder.js FOLDER STAGED-FILE...; each staged file is renamed into the folder, one after the other.
 */
import { renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../dist/pkg/agent/system-clock.js';
import { silentLogger } from '../../dist/pkg/api/index.js';
import { createDirSource } from '../../dist/pkg/source/index.js';

const REST_MS = 150;

const [folder = '', ...staged] = process.argv.slice(2);
const source = createDirSource({ dirs: [folder], clock: systemClock, logger: silentLogger });
let rung = () => undefined;

function cpuMs() {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

async function readAll() {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  let [last, busiest] = [cpuMs(), 0];
  const timer = setInterval(() => {
    const now = cpuMs();
    busiest = Math.max(busiest, now - last);
    last = now;
  }, 1);
  delay.enable();
  const beganMs = performance.now();
  await source.start(() => rung());
  const coldMs = performance.now() - beganMs;
  await sleep(20);
  delay.disable();
  clearInterval(timer);
  const objects = source.state().revision?.objects.size ?? 0;
  return { coldMs, objects, stallMs: delay.max / 1e6, stallCpuMs: busiest };
}

async function change(file) {
  const before = source.state().revision?.digest;
  const changed = new Promise((resolve) => {
    rung = () => resolve(performance.now());
  });
  const beganMs = performance.now();
  renameSync(file, join(folder, basename(file)));
  const tookMs = (await changed) - beganMs;
  if (source.state().revision?.digest === before) throw new Error(`${file} changed nothing`);
  await sleep(REST_MS);
  return tookMs;
}

const read = await readAll();
const changes = [];
for (const file of staged) changes.push(await change(file));
process.stdout.write(`${JSON.stringify({ ...read, changes })}\n`);
process.stdin.on('end', () => process.exit()).resume();
