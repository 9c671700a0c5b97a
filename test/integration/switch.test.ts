/** Aliases over three real hosts with a real ZooKeeper, under traffic from a container on the first one. */
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { alias, container, labelled, manifest, network, place, undoAfterAll } from '../build/live.ts';
import { openCluster, type LiveCluster } from '../build/live-cluster.ts';
import { until } from '../lab/run.ts';
import type { ClusterAlias, SwitchRequest } from '../../pkg/reconcile/index.ts';
import { total, type TrafficReport } from '../traffic/report.ts';
import { ServerFiles } from '../traffic/server-files.ts';
import { startTraffic, type Traffic } from '../traffic/traffic.ts';

const PATIENCE_MS = 60_000;
const undo = undoAfterAll();
let cluster: LiveCluster;
let files: ServerFiles;

/** A server of the traffic on one host, whose healthcheck looks for a file. */
function server(version: string, host: number): ReturnType<typeof container> {
  const healthcheck = { test: ['CMD', 'test', '-e', '/tmp/well'], interval: '1s', retries: 1 };
  const well = files.spec(version);
  const command = ['sh', '-c', `touch /tmp/well; exec ${[...well.command, ...well.args].join(' ')}`];
  const spec = { ...well, command, args: [], healthcheck, networks: ['ovr0'] };
  const on = { nodeConstraint: `node==${cluster.lab.hosts[host]!.name}` };
  return labelled(container(version, { ...spec, ...on }), { app: 'web', track: version });
}

function declared(selector: Readonly<Record<string, string>>): ReturnType<typeof container>[] {
  const client = container('client', {
    networks: ['ovr0'],
    nodeConstraint: `node==${cluster.lab.hosts[0]!.name}`,
  });
  // The last endpoint of a host takes its overlay down with it, and hosts then find each other anew: no holder is alone on its host.
  const neighbours = [1, 2].map((at) =>
    container(`neighbour-${at}`, {
      networks: ['ovr0'],
      nodeConstraint: `node==${cluster.lab.hosts[at]!.name}`,
    }),
  );
  const web = alias('web', { network: 'ovr0', selector, readiness: 'Healthy' });
  return [network('ovr0'), client, ...neighbours, server('blue', 1), server('green', 2), web];
}

beforeAll(async () => {
  files = await ServerFiles.make();
  undo(() => files.remove());
  cluster = await openCluster({ name: 'it-switch', sessionTimeoutMs: 6_000, nodeLostAfterMs: 30_000 });
  undo(() => cluster.close());
  await place(cluster.manifests, 'web.yaml', manifest(...declared({ app: 'web', track: 'blue' })));
  for (const at of [0, 1, 2]) await cluster.start(at);
  await cluster.converged();
  await settled('blue');
  await until('green could take the name over', PATIENCE_MS, async () => {
    const web = (await cluster.view()).aliases.find(({ name }) => name === 'web');
    const heir = web?.holders.find((holder) => holder.container === 'green');
    return heir?.standing === 'ready' ? true : undefined;
  });
});

/** Waits until the name leads to these and no others, on all nodes. */
function settled(...holders: string[]): Promise<ClusterAlias> {
  return until(`web leads to ${holders.join(', ')}`, PATIENCE_MS, async () => {
    const web = (await cluster.view()).aliases.find(({ name }) => name === 'web');
    const having = web?.holders.filter(({ has }) => has).map((holder) => holder.container);
    return web?.isSettled && having?.join() === holders.join() ? web : undefined;
  });
}

async function traffic(): Promise<Traffic> {
  const host = cluster.lab.hosts[0]!;
  const running = await startTraffic({ host, container: 'client', name: 'web', rate: 50, connections: 10 });
  onTestFinished(() => running.kill());
  return running;
}

/** Waits until so many more requests were answered by this version. */
async function answered(running: Traffic, version: string, more: number): Promise<void> {
  const count = ({ requests }: TrafficReport): number => requests.answers[version]?.count ?? 0;
  const before = count(await running.report());
  await until(`answers of ${version}`, PATIENCE_MS, async () =>
    count(await running.report()) >= before + more ? true : undefined,
  );
}

function green(change: Partial<SwitchRequest> = {}): SwitchRequest {
  return { alias: 'web', labels: { track: 'green' }, who: 'test', ...change };
}

describe('a switch', () => {
  test('and back lose no request and break no connection', async () => {
    const running = await traffic();
    const { client } = cluster.nodes[0]!.ovrd;
    await client.switchAlias(green());
    await settled('green');
    await answered(running, 'green', 50);
    await client.switchBack('web');
    await settled('blue');
    await answered(running, 'blue', 50);
    const { requests, connections } = await running.stop();
    expect(requests.errors).toEqual({});
    expect(connections.broken).toEqual({});
    expect(total(connections.broken)).toBe(0);
    expect(Object.keys(requests.answers).sort()).toEqual(['blue', 'green']);
  });

  test('outlives a kill of every agent, and ends when it is released', async () => {
    await cluster.nodes[0]!.ovrd.client.switchAlias(green({ note: 'trial' }));
    await settled('green');
    await Promise.all(cluster.nodes.map((node) => node.ovrd.end('SIGKILL')));
    for (const at of [0, 1, 2]) await cluster.start(at);
    await cluster.converged();
    expect((await settled('green')).isSwitched).toBe(true);
    const { holds } = await cluster.nodes[1]!.status();
    expect(holds).toMatchObject([{ id: 'switch/web', who: 'test', note: 'trial' }]);
    await cluster.nodes[2]!.ovrd.client.switchBack('web');
    expect((await settled('blue')).isSwitched).toBe(false);
  });

  test('to nobody is refused', async () => {
    const { client } = cluster.nodes[0]!.ovrd;
    await expect(client.switchAlias(green({ labels: { track: 'red' } }))).rejects.toThrow(
      'no container on network ovr0 has the labels app=web track=red',
    );
  });
});

describe('health', () => {
  test('an unhealthy holder leaves the name and gets it back, and the last one keeps it', async () => {
    const [, first, second] = cluster.lab.hosts;
    await place(cluster.manifests, 'web.yaml', manifest(...declared({ app: 'web' })));
    await settled('blue', 'green');
    await first!.docker(['exec', 'blue', 'rm', '/tmp/well']);
    await settled('green');
    await second!.docker(['exec', 'green', 'rm', '/tmp/well']);
    await cluster.nodes[2]!.shows('Alias/web', /^Degraded: .*green \(.*\) kept the name/);
    await first!.docker(['exec', 'blue', 'touch', '/tmp/well']);
    await settled('blue');
    await second!.docker(['exec', 'green', 'touch', '/tmp/well']);
    await settled('blue', 'green');
  });
});
