/** Debian's Prometheus, run for a test: on loopback, with a folder of its own that goes when it stops. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { z } from 'zod';
import { ensureDebianPackages } from './packages.ts';

export interface PrometheusOptions {
  /** `host:port` of each agent; scraped as job `ovrd`. */
  targets: string[];
  /** The text of a rules file. */
  rules: string;
  /** How often to scrape and to evaluate the rules; 250 by default. */
  intervalMs?: number;
}

const alertsAnswer = z.object({
  data: z.object({
    alerts: z.array(
      z.object({
        state: z.enum(['pending', 'firing']),
        labels: z.record(z.string(), z.string()),
        annotations: z.record(z.string(), z.string()),
      }),
    ),
  }),
});

const targetsAnswer = z.object({
  data: z.object({ activeTargets: z.array(z.object({ lastScrape: z.string() })) }),
});

/** An alert that is pending or firing; one that has been resolved is not there. */
export type PrometheusAlert = z.infer<typeof alertsAnswer>['data']['alerts'][number];

export interface Prometheus {
  readonly url: string;
  alerts(): Promise<PrometheusAlert[]>;
  /** Ends the process and removes its data; fails when it would not end. */
  stop(): Promise<void>;
}

const READY_MS = 30_000;
const STOP_MS = 10_000;

/** The rules with every `for:` cut to `wait` (`0s`, `1s`), so that a test need not wait for minutes. */
export function hurryRules(rules: string, wait: string): string {
  return rules.replaceAll(/^(\s+for: ).+$/gm, `$1${wait}`);
}

/** Starts Prometheus and waits until it has scraped each target, up or down; fails with its last words when it ends. */
export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  await ensureDebianPackages(['prometheus']);
  const folder = await mkdtemp(join(tmpdir(), 'ovr-prometheus-'));
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}`;
  await writeConfiguration(folder, options);
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const stop = async (): Promise<void> => {
    await end(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await waitReady(child, url, options.targets.length);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, alerts: () => alerts(url), stop };
}

async function writeConfiguration(folder: string, options: PrometheusOptions): Promise<void> {
  const { targets, rules, intervalMs = 250 } = options;
  const interval = `${intervalMs}ms`;
  const configuration = {
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
    rule_files: ['ovr.rules.yaml'],
    scrape_configs: [{ job_name: 'ovrd', static_configs: [{ targets }] }],
  };
  await writeFile(join(folder, 'ovr.rules.yaml'), rules);
  await writeFile(join(folder, 'prometheus.yml'), stringify(configuration));
}

async function waitReady(child: ChildProcess, url: string, targets: number): Promise<void> {
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-2000);
  });
  const ended = once(child, 'close').then(() => 'ended' as const);
  const deadline = performance.now() + READY_MS;
  while (performance.now() < deadline) {
    const scraped = scrapedTargets(url).catch(() => -1);
    const first = await Promise.race([scraped, ended]);
    if (first === 'ended') throw new Error(`prometheus ended at once:\n${words}`);
    if (first === targets) return;
    await sleep(50);
  }
  throw new Error(`prometheus was not ready within ${READY_MS} ms:\n${words}`);
}

/** How many targets were asked at least once; fails while Prometheus does not serve yet. */
async function scrapedTargets(url: string): Promise<number> {
  const response = await fetch(`${url}/api/v1/targets`);
  if (!response.ok) throw new Error(`prometheus answers ${response.status}`);
  const { activeTargets } = targetsAnswer.parse(await response.json()).data;
  return activeTargets.filter(({ lastScrape }) => !lastScrape.startsWith('0001-')).length;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await closed;
  clearTimeout(force);
}

async function alerts(url: string): Promise<PrometheusAlert[]> {
  const response = await fetch(`${url}/api/v1/alerts`);
  return alertsAnswer.parse(await response.json()).data.alerts;
}

/** A TCP port of loopback that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no free port on loopback');
  return address.port;
}
