/** Endpoints that are made again while traffic runs over them, on an overlay of two hosts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { container, network, openNode, undoAfterAll, type LiveNode } from '../build/live.ts';
import { startLab, type Lab } from '../lab/lab.ts';
import { until } from '../lab/run.ts';
import type { TrafficReport } from '../traffic/report.ts';
import { ServerFiles } from '../traffic/server-files.ts';
import { startTraffic, type Traffic } from '../traffic/traffic.ts';

let lab: Lab;
let files: ServerFiles;
/** The server is on the first host, the client on the second. */
let node: LiveNode;
const undo = undoAfterAll();
const net = network('ovr0');

/** Restarts the agent around something that it does not see happen. */
async function unseen(act: () => Promise<unknown>): Promise<void> {
  await node.ovrd.end();
  await act();
  await node.startAgain();
}

beforeAll(async () => {
  lab = await startLab({ topology: 'kv', hosts: 2, name: 'it-endpoints' });
  undo(() => lab.down());
  files = await ServerFiles.make();
  undo(() => files.remove());
  const folder = await mkdtemp(join(tmpdir(), 'ovr-endpoints-'));
  undo(() => rm(folder, { recursive: true, force: true }));
  node = await openNode({ host: lab.hosts[0]!, folder });
  undo(() => rm(node.manifests, { recursive: true, force: true }));
  undo(() => node.ovrd.stop());
  await serve('web');
  const client = ['run', '--detach', '--name', 'client', '--network', 'ovr0', 'busybox', 'sleep', '100000'];
  await lab.hosts[1]!.docker(client);
});

/** Declares the server with these names. */
function serve(...aliases: string[]): Promise<void> {
  return declare({ networks: [{ name: 'ovr0', aliases }] });
}

function declare(spec: Readonly<Record<string, unknown>>): Promise<void> {
  return node.declare('web.yaml', net, container('server', { ...files.spec('blue'), ...spec }));
}

/** The address that a container gets which asks for none. */
function firstFree(): Promise<string> {
  return lab.hosts[1]!.docker(['run', '--rm', '--network', 'ovr0', 'busybox', 'hostname', '-i']);
}

function lastNumber(ipv4: string): number {
  return Number(ipv4.split('.')[3]);
}

async function address(): Promise<string> {
  return (await node.docker.mustInspect('server')).NetworkSettings.Networks['ovr0']?.IPAddress ?? '';
}

async function traffic(
  options: Omit<Parameters<typeof startTraffic>[0], 'host' | 'container'>,
): Promise<Traffic> {
  const started = await startTraffic({ host: lab.hosts[1]!, container: 'client', ...options });
  onTestFinished(() => started.kill());
  return started;
}

/** Waits until so many more lines have gone to and fro. */
async function exchanges(running: Traffic, more: number): Promise<TrafficReport> {
  const count = ({ connections }: TrafficReport): number => connections.exchanges['blue']?.count ?? 0;
  const before = count(await running.report());
  return until('further exchanges', 60_000, async () => {
    const report = await running.report();
    return count(report) >= before + more ? report : undefined;
  });
}

/** Somebody else takes the server's address while it is stopped. */
async function takeAddress(of: string): Promise<void> {
  await node.host.docker(['stop', '--time', '5', 'server']);
  await node.host.docker([
    'run',
    '--detach',
    '--name',
    'thief',
    '--network',
    'ovr0',
    '--ip',
    of,
    'busybox',
    'sleep',
    '100000',
  ]);
}

/** What the agent has told of changed addresses. */
async function changesTold(): Promise<string[]> {
  const events = await node.ovrd.client.events(0);
  return events.flatMap(({ type, cause, message }) =>
    type === 'Drift' && cause?.reason === 'AddressChanged' ? [message] : [],
  );
}

test('an address that changed while nobody looked is asked for again', async () => {
  const before = await address();
  await unseen(async () => {
    await takeAddress(before);
    await node.host.docker(['start', 'server']);
    expect(await address()).not.toBe(before);
    await node.host.docker(['rm', '--force', 'thief']);
  });
  await node.eventually('the address is back', async () => (await address()) === before);
  await node.converged();
  expect(await changesTold()).toHaveLength(1);
});

describe('a changed alias', () => {
  test('breaks no open connection and loses no byte', async () => {
    const before = await address();
    const running = await traffic({
      name: 'server',
      connections: 10,
      timeoutMs: 30_000,
      transfer: { bytes: 100_000_000, bytesPerSecond: 10_000_000 },
    });
    await exchanges(running, 10);
    const mark = await node.mark();
    await serve('web', 'shop');
    const steps = (await node.steps(mark)).map(
      ({ action, cause }) => `${action ?? ''} ${cause?.reason ?? ''}`,
    );
    expect(steps).toEqual(['DisconnectEndpoint AliasesDiffer', 'ConnectEndpoint AliasesDiffer']);
    await exchanges(running, 10);
    const report = await running.stop();
    expect(report.connections).toMatchObject({ broken: {}, ended: 0 });
    expect(report.transfer).toMatchObject({ isIntact: true, bytes: 100_000_000 });
    expect(await address()).toBe(before);
  });

  test('on a network without a subnet of its own is announced as what may break connections', async () => {
    await node.host.docker(['network', 'create', '--driver', 'overlay', 'chosen']);
    const on = (...aliases: string[]): Promise<void> =>
      node.declare('chosen.yaml', container('guest', { networks: [{ name: 'chosen', aliases }] }));
    await on('one');
    const mark = await node.mark();
    await on('two');
    const [, connect] = await node.steps(mark);
    expect(connect?.message).toContain('open connections may break');
    await node.withdraw('chosen.yaml');
    await node.converged();
  });
});

test('an address that somebody else has is lost, and that is told once', async () => {
  const before = await address();
  await unseen(() => takeAddress(before));
  onTestFinished(async () => {
    await node.host.docker(['rm', '--force', 'thief']);
  });
  await node.eventually('the container runs at another address', async () => {
    const now = await address();
    return now !== '' && now !== before && (await node.status()).converged;
  });
  const now = await address();
  for (let round = 0; round < 3; round += 1) await node.lookAgain();
  await node.converged();
  expect(await changesTold()).toMatchObject([
    expect.stringContaining(`container thief has ${before}: the endpoint keeps`),
  ]);
  expect(await address()).toBe(now);
});

describe('an address', () => {
  test.each<[what: string, act: () => Promise<unknown>]>([
    ['disconnected by hand', () => node.host.docker(['network', 'disconnect', 'ovr0', 'server'])],
    ['whose container is removed by hand', () => node.host.docker(['rm', '--force', 'server'])],
    [
      'whose container is replaced',
      () => declare({ networks: [{ name: 'ovr0', aliases: ['web'] }], user: '0:0' }),
    ],
  ])('%s is kept', async (_, act) => {
    const before = await address();
    // Whoever asks for any address is given the first that is free: another one than this, which the test before saw to.
    expect(lastNumber(await firstFree())).toBeLessThan(lastNumber(before));
    const mark = await node.mark();
    await act();
    await node.eventually('it is back', async () => {
      const steps = await node.steps(mark);
      return steps.length > 0 && (await node.status()).converged && (await address().catch(() => '')) !== '';
    });
    expect(await address()).toBe(before);
  });
});
