/** A real Prometheus with the shipped rules. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { afterEach, expect, test } from 'vitest';
import { until } from '../lab/run.ts';
import { hurryRules, type Prometheus, type PrometheusAlert, startPrometheus } from '../tools/prometheus.ts';

const rulesPath = new URL('../../deploy/prometheus/ovr.rules.yaml', import.meta.url);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function shippedRules(): Promise<string> {
  return hurryRules(await readFile(rulesPath, 'utf8'), '0s');
}

async function start(targets: string[]): Promise<Prometheus> {
  const prometheus = await startPrometheus({ targets, rules: await shippedRules() });
  cleanups.push(() => prometheus.stop());
  return prometheus;
}

/** Waits until the alerts that fire are exactly these, and returns them. */
async function firing(prometheus: Prometheus, names: string[]): Promise<PrometheusAlert[]> {
  return await until(`the alerts [${names.join(', ')}]`, 20_000, async () => {
    const alerts = (await prometheus.alerts()).filter(({ state }) => state === 'firing');
    const found = alerts.map(({ labels }) => labels['alertname'] ?? '').sort();
    return found.join() === [...names].sort().join() ? alerts : undefined;
  });
}

/** An exporter that shows the given text. */
async function startExporter(show: () => string): Promise<string> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(show());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the exporter has no port');
  return `127.0.0.1:${address.port}`;
}

const calm = [
  'ovr_engine_up 1',
  'ovr_manifest_errors 0',
  'ovr_prune_held 0',
  'ovr_build_info{version="0"} 1',
  'ovr_mode{mode="enforce"} 1',
  'ovr_mode{mode="observe"} 0',
];
const synced = (): string => `ovr_source_last_sync_timestamp_seconds{source="dir"} ${Date.now() / 1000}`;

test('an alert fires while a metric says so, and no longer', async () => {
  let extra: string[] = [];
  const target = await startExporter(() => [...calm, synced(), ...extra, ''].join('\n'));
  const prometheus = await start([target]);
  await firing(prometheus, []);

  extra = ['ovr_drift{kind="Container",name="web",field="networks.aliases"} 1'];
  const [alert] = await firing(prometheus, ['OvrDriftLasting']);
  expect(alert?.annotations['description']).toContain('`ovr explain Container web`');

  extra = [];
  await firing(prometheus, []);
});

test('an agent that does not answer is down, and one that is not asked for is absent', async () => {
  const unused = await startExporter(() => '');
  await cleanups.pop()?.();
  await firing(await start([unused]), ['OvrAgentDown']);
  await firing(await start([]), ['OvrAgentAbsent']);
});

test('Prometheus that cannot start says why', async () => {
  await expect(startPrometheus({ targets: [], rules: 'groups: 5' })).rejects.toThrow(/cannot unmarshal/);
});
