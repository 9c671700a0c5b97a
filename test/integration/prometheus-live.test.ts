/** A real Prometheus with the shipped rules. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Lab, type LabHost, startLab } from '../lab/lab.ts';
import { until } from '../lab/run.ts';
import { type Ovrd, startOvrd } from '../tools/ovrd.ts';
import {
  freePort,
  hurryRules,
  type Prometheus,
  type PrometheusAlert,
  startPrometheus,
} from '../tools/prometheus.ts';

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

const web = `
apiVersion: ovr/v1
kind: Network
metadata: {name: front}
spec: {driver: bridge, ipam: {subnet: 10.61.0.0/24}}
---
apiVersion: ovr/v1
kind: Container
metadata: {name: web}
spec: {image: busybox, command: [sleep, "1000"], networks: [{name: front, aliases: [www]}]}
`;

describe('with ovrd on a real Docker daemon', () => {
  let lab: Lab;
  let host: LabHost;
  let folder: string;
  let address: string;

  beforeAll(async () => {
    lab = await startLab({ topology: 'single', name: 'prom' });
    host = lab.hosts[0]!;
  });
  afterAll(() => lab.down());

  async function ovrdIn(mode: 'enforce' | 'observe'): Promise<Ovrd> {
    const args = ['--mode', mode, '--listen', address];
    const ovrd = await startOvrd({ dockerHost: host.dockerHost, manifests: folder, folder, args });
    cleanups.push(() => ovrd.stop());
    return ovrd;
  }

  /** An ovrd in enforce mode that has made what the manifests say. */
  async function converged(): Promise<Ovrd> {
    folder = await mkdtemp(join(tmpdir(), 'ovr-live-'));
    cleanups.push(() => rm(folder, { recursive: true, force: true }));
    address = `127.0.0.1:${await freePort()}`;
    await writeFile(join(folder, 'web.yaml'), web);
    const ovrd = await ovrdIn('enforce');
    await repaired(ovrd);
    return ovrd;
  }

  async function connected(): Promise<void> {
    const format = '{{json .NetworkSettings.Networks}}';
    await until('the endpoint', 20_000, async () => {
      const networks = await host.docker(['inspect', '-f', format, 'web']).catch(() => '');
      return networks.includes('front') ? true : undefined;
    });
  }

  async function repaired(ovrd: Ovrd): Promise<void> {
    await connected();
    await until('convergence', 20_000, async () =>
      (await ovrd.client.status()).converged ? true : undefined,
    );
  }

  test('a disconnect in observe mode raises the alert, and a repair ends it', async () => {
    await (await converged()).stop();
    const observing = await ovrdIn('observe');
    const prometheus = await start([address]);
    await firing(prometheus, []);

    await host.docker(['network', 'disconnect', 'front', 'web']);
    const [alert] = await firing(prometheus, ['OvrDriftObserved']);
    expect(alert?.labels).toMatchObject({ kind: 'Container', name: 'web', severity: 'warning' });
    expect(alert?.annotations['description']).toContain('`ovr diff`');

    await observing.stop();
    await repaired(await ovrdIn('enforce'));
    await firing(prometheus, []);
  });

  test('somebody who keeps undoing what ovr does is noticed', async () => {
    const ovrd = await converged();
    const prometheus = await start([address]);
    await firing(prometheus, []);
    for (let time = 1; time <= 6; time += 1) {
      await host.docker(['network', 'disconnect', 'front', 'web']);
      if (time <= 5) await repaired(ovrd);
    }
    const both = ['OvrDriftRecurring', 'OvrObjectStalled'];
    await until(`the alerts [${both.join(', ')}]`, 20_000, async () => {
      const found = (await prometheus.alerts()).map(({ labels }) => labels['alertname'] ?? '');
      return both.every((name) => found.includes(name)) ? true : undefined;
    });
  });
});
