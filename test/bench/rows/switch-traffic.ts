/** What a client of a name loses while the name is switched to another host and back, or its holder updated: it must be nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { alias, container, type Document, network } from '../../build/live.ts';
import type { LiveCluster } from '../../build/live-cluster.ts';
import { until } from '../../lab/run.ts';
import { HTTP_PORT } from '../../traffic/protocol.ts';
import { total, type TrafficReport } from '../../traffic/report.ts';
import { ServerFiles } from '../../traffic/server-files.ts';
import { startTraffic, type Traffic } from '../../traffic/traffic.ts';
import { CLIENT, declare, holder, leadsTo, NETWORK, withCluster } from '../cluster-stage.ts';
import { type Bench, type Outcome, type Row, verdict } from '../row.ts';
import { formatMs } from '../stats.ts';

/** Requests a second; the first that the machine takes while nothing is switched. */
const RATES = [1_000, 500, 250, 100, 50];
const CONNECTIONS = 50;
/** A client later than this with a request, or an answer slower than this at p99, is a machine that cannot take the rate. */
const MOST_LAG_MS = 1_000;
const MOST_P99_MS = 500;
/** How long traffic runs before, between and after the changes. */
const PART_MS = 4_000;
const QUICK_PART_MS = 1_500;
const UPDATE_MS = 120_000;
/** An update is ready once the server answers, and its connections have this long to be closed by their clients. */
const UPDATE = { type: 'StartFirst', readyTimeout: '1m', drain: '2s' };
const HEALTHCHECK = {
  test: ['CMD', 'wget', '-q', '-O', '/dev/null', `http://127.0.0.1:${HTTP_PORT}/`],
  interval: '500ms',
  startPeriod: '1m',
};

interface Measured {
  readonly rate: number;
  readonly report: TrafficReport;
}

export const switchTraffic: Row = {
  name: 'switch-traffic',
  measure: async (bench) => {
    const files = await ServerFiles.make();
    try {
      return await withCluster((cluster) => measure(bench, cluster, files));
    } finally {
      await files.remove();
    }
  },
};

async function measure(bench: Bench, cluster: LiveCluster, files: ServerFiles): Promise<readonly Outcome[]> {
  await declare(cluster, [...declared(cluster, files, 'blue'), ...neighbours(cluster)]);
  await leadsTo(cluster, 'web', 'blue');
  const partMs = bench.quick ? QUICK_PART_MS : PART_MS;
  const idle = await bearable(bench, cluster, partMs * 3);
  const seenDuring = (changes: readonly (() => Promise<void>)[]): Promise<TrafficReport> =>
    under(cluster, idle.rate, async () => {
      await sleep(partMs);
      for (const change of changes) {
        await change();
        await sleep(partMs);
      }
    });
  const switched = answeredBy('green', await seenDuring(switches(cluster)));
  const updated = answeredBy('blue2', await seenDuring([() => update(cluster, files)]));
  await declare(cluster, declared(cluster, files, 'blue2'));
  await gone(cluster, neighbours(cluster));
  const alone = answeredBy('green', await seenDuring(switches(cluster)));
  return [
    ...outcomes(idle, switched, 'while an alias is switched to another host and back'),
    ...outcomes(idle, updated, 'while its holder is updated, StartFirst'),
    ...outcomes(idle, alone, 'while it is switched between holders that are alone on their hosts'),
  ];
}

/** Fails where a change had no effect on the client. */
function answeredBy(version: string, report: TrafficReport): TrafficReport {
  if (!report.requests.answers[version]) throw new Error(`no request was answered by ${version}`);
  return report;
}

/** Others on the overlay of the holders' hosts: the last endpoint of a host takes the overlay down with it. */
function neighbours(cluster: LiveCluster): Document[] {
  return [1, 2].map((host) => holder(cluster, { name: `beside-${host}`, host }));
}

async function gone(cluster: LiveCluster, documents: readonly Document[]): Promise<void> {
  const names = new Set(documents.map(({ metadata }) => metadata.name));
  await until('the neighbours are gone', UPDATE_MS, async () => {
    const left = await Promise.all(cluster.nodes.map(({ docker }) => docker.containerNames()));
    return left.flat().every((name) => !names.has(name)) || undefined;
  });
}

/** The client on the first host, a server on each of the others; blue of this version. */
function declared(cluster: LiveCluster, files: ServerFiles, blue: string): Document[] {
  const server = (name: string, host: number, version: string): Document => {
    const spec = { ...files.spec(version), healthcheck: HEALTHCHECK, updateStrategy: UPDATE };
    return holder(cluster, { name, host }, spec);
  };
  const nodeConstraint = `node==${cluster.lab.hosts[0]?.name ?? ''}`;
  return [
    network(NETWORK),
    container(CLIENT, { networks: [NETWORK], nodeConstraint }),
    server('blue', 1, blue),
    server('green', 2, 'green'),
    alias('web', { network: NETWORK, selector: { app: 'web', track: 'blue' } }),
  ];
}

/** Ends when the new blue is alone, under its name. */
async function update(cluster: LiveCluster, files: ServerFiles): Promise<void> {
  const docker = cluster.nodes[1]?.docker;
  if (docker === undefined) throw new Error('no ovrd runs on the host of blue');
  const before = await docker.mustInspect('blue');
  await declare(cluster, [...declared(cluster, files, 'blue2'), ...neighbours(cluster)]);
  await until('the new blue is alone', UPDATE_MS, async () => {
    const names = (await docker.containerNames()).filter((name) => name.startsWith('blue'));
    return (names.join() === 'blue' && (await docker.mustInspect('blue')).Id !== before.Id) || undefined;
  });
  await leadsTo(cluster, 'web', 'blue');
}

/** Each ends when the name leads to the new holder only. */
function switches(cluster: LiveCluster): readonly (() => Promise<void>)[] {
  const [node] = cluster.nodes;
  if (node === undefined) throw new Error('no ovrd runs');
  const { client } = node.ovrd;
  return [
    async () => {
      await client.switchAlias({ alias: 'web', labels: { track: 'green' }, who: 'bench' });
      await leadsTo(cluster, 'web', 'green');
    },
    async () => {
      await client.switchBack('web');
      await leadsTo(cluster, 'web', 'blue');
    },
  ];
}

/** The highest rate that the machine takes while nothing changes, and what the client saw at it. */
async function bearable(bench: Bench, cluster: LiveCluster, lengthMs: number): Promise<Measured> {
  for (const rate of RATES) {
    const report = await under(cluster, rate, () => sleep(lengthMs));
    const { errors, lagMs, p99Ms } = report.requests;
    bench.progress(
      `idle at ${rate}/s: p99 ${formatMs(p99Ms)}, late by ${formatMs(lagMs)}, ${total(errors)} failed`,
    );
    if (
      total(errors) + total(report.connections.broken) === 0 &&
      lagMs <= MOST_LAG_MS &&
      p99Ms <= MOST_P99_MS
    )
      return { rate, report };
  }
  throw new Error(`the machine does not even take ${RATES.at(-1)} requests/s while nothing changes`);
}

/** What a client sees at this rate while `work` lasts. */
async function under(cluster: LiveCluster, rate: number, work: () => Promise<void>): Promise<TrafficReport> {
  const [host] = cluster.lab.hosts;
  if (host === undefined) throw new Error('the lab has no host');
  const options = { host, container: CLIENT, name: 'web', rate, connections: CONNECTIONS };
  const traffic: Traffic = await startTraffic(options);
  try {
    await work();
    return await traffic.stop();
  } finally {
    await traffic.kill();
  }
}

function outcomes({ rate, report: idle }: Measured, busy: TrafficReport, when: string): readonly Outcome[] {
  const failed = total(busy.requests.errors);
  const broken = total(busy.connections.broken);
  const kinds = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([kind, count]) => ` (${kind} ${count})`)
      .join('');
  const slowest = (report: TrafficReport): string =>
    `slowest ${formatMs(report.requests.slowestMs)}, p99 ${formatMs(report.requests.p99Ms)}`;
  return [
    {
      what: `${rate} requests/s, each with a look-up, ${when}`,
      ovr: `${busy.requests.sent} sent, ${slowest(busy)}`,
      peer: `nothing changed: ${idle.requests.sent} sent, ${slowest(idle)}`,
      found: `${failed} failed${kinds(busy.requests.errors)}`,
      limit: '0 failed',
      verdict: verdict(failed === 0),
      samples: {
        failed: [failed],
        slowest: [busy.requests.slowestMs],
        idleSlowest: [idle.requests.slowestMs],
        lag: [busy.requests.lagMs],
        idleLag: [idle.requests.lagMs],
      },
    },
    {
      what: `${CONNECTIONS} open connections ${when}`,
      ovr: `slowest exchange ${formatMs(busy.connections.slowestMs)}`,
      peer: `nothing changed: ${formatMs(idle.connections.slowestMs)}`,
      found: `${broken} broken${kinds(busy.connections.broken)}`,
      limit: '0 broken',
      verdict: verdict(broken === 0),
      samples: {
        broken: [broken],
        slowest: [busy.connections.slowestMs],
        idleSlowest: [idle.connections.slowestMs],
      },
    },
  ];
}
