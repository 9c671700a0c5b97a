/** What a client of a name loses while the name is switched to another host and back: it must be nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { alias, container, type Document, network } from '../../build/live.ts';
import type { LiveCluster } from '../../build/live-cluster.ts';
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
  await declare(cluster, declared(cluster, files));
  await leadsTo(cluster, 'web', 'blue');
  const partMs = bench.quick ? QUICK_PART_MS : PART_MS;
  const changes = changesOf(cluster);
  const idle = await bearable(bench, cluster, partMs * (changes.length + 1));
  const report = await under(cluster, idle.rate, async () => {
    await sleep(partMs);
    for (const change of changes) {
      await change();
      await sleep(partMs);
    }
  });
  const { answers } = report.requests;
  if (!answers['green']) throw new Error('no request was answered by green: the switch had no effect');
  return outcomes(idle, report);
}

/** The client on the first host, a server on each of the others. */
function declared(cluster: LiveCluster, files: ServerFiles): Document[] {
  const server = (name: string, host: number): Document => {
    const spec = files.spec(name);
    return holder(cluster, { name, host }, { ...spec });
  };
  const nodeConstraint = `node==${cluster.lab.hosts[0]?.name ?? ''}`;
  return [
    network(NETWORK),
    container(CLIENT, { networks: [NETWORK], nodeConstraint }),
    server('blue', 1),
    server('green', 2),
    alias('web', { network: NETWORK, selector: { app: 'web', track: 'blue' } }),
  ];
}

/** Each ends when the name leads to the new holder only. */
function changesOf(cluster: LiveCluster): readonly (() => Promise<void>)[] {
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

function outcomes({ rate, report: idle }: Measured, busy: TrafficReport): readonly Outcome[] {
  const when = 'while an alias is switched to another host and back';
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
      peer: `nothing switched: ${idle.requests.sent} sent, ${slowest(idle)}`,
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
      what: `${CONNECTIONS} open connections meanwhile`,
      ovr: `slowest exchange ${formatMs(busy.connections.slowestMs)}`,
      peer: `nothing switched: ${formatMs(idle.connections.slowestMs)}`,
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
