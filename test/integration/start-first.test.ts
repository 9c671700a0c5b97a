import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  container,
  manifest,
  network,
  openNode,
  place,
  undoAfterAll,
  type Document,
  type LiveNode,
} from '../build/live.ts';
import { startLab, type LabHost } from '../lab/lab.ts';
import { HTTP_PORT } from '../traffic/protocol.ts';
import type { TrafficReport } from '../traffic/report.ts';
import { ServerFiles } from '../traffic/server-files.ts';
import { startTraffic, type Traffic } from '../traffic/traffic.ts';

const HEALTHY = { test: ['CMD', 'wget', '-q', '-O', '/dev/null', `http://127.0.0.1:${HTTP_PORT}/`] };
/** The container's own name and its alias. */
const NAMES = ['web', 'site'];
const LOAD = { rate: 40, connections: 5 };

/** Why a new one never serves; what becomes of it does not hang on the kind of overlay, so one is enough for the second kind. */
const BAD: [why: string, spec: Document['spec'], message: RegExp][] = [
  ['ends', { command: ['sh', '-c'], args: ['sleep 2; exit 3'] }, /did not stay up|was started again/],
  ['is unhealthy', { healthcheck: { test: ['CMD', 'false'], interval: '500ms', retries: 2 } }, /unhealthy/],
  [
    'is not healthy in time',
    {
      healthcheck: { test: ['CMD', 'false'], interval: '500ms', startPeriod: '1h' },
      updateStrategy: { type: 'StartFirst', readyTimeout: '3s' },
    },
    /was not ready within 3 s/,
  ],
];

describe.each([
  ['a cluster store', 'kv'],
  ['Swarm mode', 'swarm'],
] as const)('StartFirst on an overlay of %s', (_, topology) => {
  const undo = undoAfterAll();
  let files: ServerFiles;
  let node: LiveNode;
  let other: LabHost;

  beforeAll(async () => {
    const lab = await startLab({ topology, hosts: 2, name: `it-first-${topology}` });
    undo(() => lab.down());
    files = await ServerFiles.make();
    undo(() => files.remove());
    [, other] = lab.hosts as [LabHost, LabHost];
    node = await openNode({ host: lab.hosts[0]! });
    undo(() => node.close());
    await node.declare('n.yaml', network('n', { ipam: { subnet: '10.78.0.0/24' } }));
    await node.declare('web.yaml', server('one'));
    await other.docker([
      'run',
      '--detach',
      '--name',
      'client',
      '--network',
      'n',
      'busybox',
      'sleep',
      '10000',
    ]);
  });

  function server(version: string, spec: Document['spec'] = {}): Document {
    return container('web', {
      ...files.spec(version),
      networks: [{ name: 'n', aliases: ['site'] }],
      healthcheck: { ...HEALTHY, interval: '500ms', startPeriod: '1h' },
      updateStrategy: { type: 'StartFirst', readyTimeout: '5m', drain: '2s' },
      ...spec,
    });
  }

  /** What clients on the other host saw of both names while it happened. */
  async function seenDuring(act: () => Promise<void>): Promise<TrafficReport[]> {
    const clients: Traffic[] = [];
    for (const name of NAMES) {
      const traffic = await startTraffic({ host: other, container: 'client', name, ...LOAD });
      onTestFinished(() => traffic.kill());
      clients.push(traffic);
    }
    await act();
    return Promise.all(clients.map((traffic) => traffic.stop()));
  }

  function expectNothingLost(reports: TrafficReport[]): void {
    expect(reports.map(({ requests }) => requests.errors)).toEqual([{}, {}]);
    expect(reports.map(({ connections }) => connections.broken)).toEqual([{}, {}]);
  }

  async function relatives(): Promise<string[]> {
    return (await node.docker.containerNames()).filter((name) => name.startsWith('web'));
  }

  test('an update loses no request and breaks no connection', async () => {
    const before = await node.docker.mustInspect('web');
    const reports = await seenDuring(() => node.declare('web.yaml', server('two')));
    expectNothingLost(reports);
    for (const { requests, connections } of reports) {
      const [one, two] = [requests.answers['one'], requests.answers['two']];
      expect(one?.lastMs).toBeLessThan(two?.lastMs ?? 0);
      expect(connections.ended).toBe(LOAD.connections);
    }
    const after = await node.docker.mustInspect('web');
    expect(after.Id).not.toBe(before.Id);
    expect(await relatives()).toEqual(['web']);
    const slowest = reports.map(({ requests }) => `${Math.round(requests.slowestMs)} ms`);
    console.log(
      `${topology}: ${reports.map(({ requests }) => requests.sent).join(' + ')} requests, slowest ${slowest.join(', ')}`,
    );
  });

  test.each(topology === 'kv' ? BAD : BAD.slice(0, 1))(
    'a new one that %s goes, and the old one has never been touched',
    async (_name, spec, message) => {
      const { Id, State } = await node.docker.mustInspect('web');
      const reports = await seenDuring(async () => {
        await node.offer('web.yaml', server('bad', spec));
        await node.shows('Container/web', /^UpdateFailed: /);
        await node.eventually('only the old one is left', async () => (await relatives()).length === 1);
      });
      expectNothingLost(reports);
      expect(reports.flatMap(({ requests }) => Object.keys(requests.answers))).not.toContain('bad');
      const now = await node.docker.mustInspect('web');
      expect([now.Id, now.State.StartedAt]).toEqual([Id, State.StartedAt]);
      expect(await node.condition('Container/web')).toMatch(message);
      const { history } = (await node.object('Container/web'))!;
      expect(history.some(({ action }) => action === 'RemoveContainer')).toBe(true);
      const mark = await node.mark();
      await node.lookAgain();
      expect(await node.steps(mark)).toEqual([]);
    },
  );

  test('a fixed host port is refused where it stands', async () => {
    await place(node.manifests, 'web.yaml', manifest(server('two', { ports: ['8080:80'] })));
    await node.eventually('the mistake is told', async () => {
      const [problem] = (await node.status()).diagnostics;
      return problem?.code === 'strategy-conflict' && problem.file.endsWith('web.yaml') && problem.column > 1;
    });
    expect(await relatives()).toEqual(['web']);
  });
});
