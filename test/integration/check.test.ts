/** What ovr check finds on a real overlay over two hosts: all well, and each kind of fault. */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { CheckReport } from '../../pkg/check/index.ts';
import { createCliStage, type CliStage } from '../build/cli.ts';
import { openCluster, type LiveCluster } from '../build/live-cluster.ts';
import { container, manifest, network, pings, place, undoAfterAll } from '../build/live.ts';
import { misdirect, vtepOf } from '../lab/overlay-namespace.ts';
import { netnsName } from '../lab/state.ts';
import { must, until } from '../lab/run.ts';

const LAB = 'it-check';
const PATIENCE_MS = 60_000;
const undo = undoAfterAll();

let cluster: LiveCluster;
let cli: CliStage;
let first: string;
let second: string;

/** Asks the first node. */
function check(networks: readonly string[] = ['ovr0']): Promise<CheckReport> {
  return cluster.node(first).ovrd.client.check(networks);
}

/** Checks until it holds. */
async function finds(what: string, holds: (report: CheckReport) => boolean): Promise<CheckReport> {
  let newest: CheckReport | undefined;
  try {
    return await until(what, PATIENCE_MS, async () => {
      newest = await check();
      return holds(newest) ? newest : undefined;
    });
  } catch (error) {
    throw new Error(`${String(error)}: ${JSON.stringify(newest, null, 1)}`, { cause: error });
  }
}

/** `from>to reach`, for all ways. */
function ways(report: CheckReport): string[] {
  const short = (node: string): string => (node === first ? '1' : '2');
  return report.networks.flatMap(({ cells }) =>
    cells.map(({ from, to, reach }) => `${short(from)}>${short(to)} ${reach}`),
  );
}

async function metrics(node: string): Promise<string> {
  const { socket } = cluster.node(node).ovrd;
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: socket, path: '/metrics' }, (answer) => {
      text(answer).then(resolve, reject);
    });
    asked.once('error', reject);
    asked.end();
  });
}

beforeAll(async () => {
  cluster = await openCluster({
    ...{ name: LAB, hosts: 2, sessionTimeoutMs: 6_000, nodeLostAfterMs: 60_000 },
    args: ['--probe-interval', '20s'],
  });
  undo(() => cluster.close());
  cli = await createCliStage();
  undo(() => cli.close());
  [first, second] = cluster.lab.hosts.map(({ name }) => name) as [string, string];
  const on = (node: string): object => ({
    nodeConstraint: `node==${node}`,
    networks: [{ name: 'ovr0', aliases: ['nginx'] }],
  });
  await place(
    cluster.manifests,
    'all.yaml',
    manifest(
      network('ovr0', { ipam: { subnet: '10.0.9.0/24' } }),
      network('side', { driver: 'bridge' }),
      container('web-a', { ...on(first) }),
      container('web-b', { ...on(second) }),
      // Beside web-b, so that a way to web-b alone can be told from the way to its host.
      container('web-d', { nodeConstraint: `node==${second}`, networks: ['ovr0'] }),
      container('web-c', { nodeConstraint: `node==${first}`, networks: ['side'] }),
    ),
  );
  await cluster.start(0);
  await cluster.start(1);
  await cluster.converged();
});

test('finds all well, over all nodes, and prints the matrix', async () => {
  const report = await finds('all is well', ({ ok }) => ok);
  expect(report).toMatchObject({ scope: 'cluster', node: first, mismatches: [], failures: [], notes: [] });
  expect(report.nodes.map(({ name, state }) => [name, state])).toEqual([
    [first, 'answered'],
    [second, 'answered'],
  ]);
  expect(report.networks).toMatchObject([{ name: 'ovr0', driver: 'overlay', mtu: 1450, names: 4 }]);
  expect(ways(report)).toEqual(['1>1 ok', '1>2 ok', '2>1 ok', '2>2 ok']);
  const env = { OVR_SOCKET: cluster.node(second).ovrd.socket };
  const all = await cli.run('check', { env });
  expect(all).toMatchObject({ code: 0, stderr: '' });
  expect(all.stdout).toMatch(
    /ovr0 \(overlay, MTU 1450, 4 names\)\nFROM \/ TO +\S+ +\S+\n\S+ +[\d.]+ms +[\d.]+ms\n/,
  );
  expect(all.stdout).toMatch(/side \(bridge, MTU 1500, 1 name\)/);
  expect(all.stdout).toMatch(/\nall is well: 2 networks, 5 names, 5 ways between hosts, 2 nodes, /);
});

test('refuses a network that is not there, and knows the others', async () => {
  const { code, stderr } = await cli.run('check --network ovr9', {
    env: { OVR_SOCKET: cluster.node(first).ovrd.socket },
  });
  expect(code).toBe(2);
  expect(stderr).toMatch(/There is no network "ovr9" to check: there are ovr0, side\./);
});

test('--probe-interval makes metrics on every node, whoever asks', async () => {
  for (const node of [first, second]) {
    await until(`metrics of ${node}`, PATIENCE_MS, async () => {
      const shown = await metrics(node);
      return /^ovr_dns_mismatch\{network="ovr0"\} 0$/m.test(shown) &&
        /^ovr_probe_hosts\{network="ovr0",result="ok"\} 2$/m.test(shown) &&
        /^ovr_probe_rtt_seconds_count\{network="ovr0"\} [1-9]/m.test(shown)
        ? true
        : undefined;
    });
  }
});

describe('with an agent that only observes', () => {
  beforeAll(async () => {
    await cluster.node(second).ovrd.end();
    await cluster.start(1, ['--mode', 'observe']);
    await cluster.converged();
  });

  test('finds an alias that an endpoint has lost', async () => {
    const host = cluster.node(second).host;
    await host.docker(['network', 'disconnect', 'ovr0', 'web-b']);
    await host.docker(['network', 'connect', 'ovr0', 'web-b']);
    const report = await finds('the mismatch', ({ mismatches }) => mismatches[0]?.nodes.length === 2);
    expect(report.ok).toBe(false);
    expect(report.mismatches).toMatchObject([
      { network: 'ovr0', name: 'nginx', verdict: 'missing', nodes: [first, second] },
    ]);
    expect(report.mismatches[0]?.answered).toHaveLength(1);
    expect(report.mismatches[0]?.expected).toHaveLength(2);
    expect(report.mismatches[0]?.message).toMatch(
      /^its manifest declares the name for web-b \(10\.0\.9\.\d+ on /,
    );
    const { code, stdout } = await cli.run('check -n ovr0', {
      env: { OVR_SOCKET: cluster.node(first).ovrd.socket },
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ovr0 +nginx +missing +10\.0\.9\.\d+,10\.0\.9\.\d+ +10\.0\.9\.\d+ +/m);
    await until('the metric', PATIENCE_MS, async () =>
      /^ovr_dns_mismatch\{network="ovr0"\} 1$/m.test(await metrics(first)) ? true : undefined,
    );
  });

  test('and nothing any more once it is repaired', async () => {
    await cluster.node(second).ovrd.end();
    await cluster.start(1);
    await cluster.converged();
    await finds('all is well again', ({ ok }) => ok);
  });
});

test('tells a path that is too narrow from one that is closed', async () => {
  const port = ['ip', '-n', netnsName(LAB, 'switch'), 'link', 'set', second, 'mtu'];
  await must([...port, '1400']);
  const narrow = await finds('the narrow path', (report) => ways(report).includes('1>2 mtu'));
  await must([...port, '1500']);
  expect(ways(narrow)).toEqual(['1>1 ok', '1>2 mtu', '2>1 mtu', '2>2 ok']);
  expect(narrow.mismatches).toEqual([]);
  expect(narrow.networks[0]?.cells[1]?.message).toMatch(/carries less than 1500 bytes/);

  const rule = ['INPUT', '-p', 'udp', '--dport', '4789', '-j', 'DROP'];
  const { host } = cluster.node(second);
  await host.exec(['iptables', '-I', ...rule]);
  const closed = await finds('the closed path', (report) => ways(report).includes('1>2 unreachable'));
  await host.exec(['iptables', '-D', ...rule]);
  expect(ways(closed)).toEqual(['1>1 ok', '1>2 unreachable', '2>1 unreachable', '2>2 ok']);
  expect(closed.networks[0]?.cells[1]?.message).toMatch(/UDP 4789/);
  await finds('all is well again', ({ ok }) => ok);
});

/** A container's part in ovr0. */
async function seat(node: string, name: string): Promise<{ network: string; address: string; mac: string }> {
  const { NetworkSettings } = await cluster.node(node).docker.mustInspect(name);
  const { NetworkID = '', IPAddress = '', MacAddress = '' } = NetworkSettings.Networks['ovr0'] ?? {};
  return { network: NetworkID, address: IPAddress, mac: MacAddress };
}

async function republished(): Promise<readonly { saw: string }[]> {
  const heals = (await cluster.node(second).object('Container/web-b'))?.heals ?? [];
  return heals.filter(({ playbook }) => playbook === 'republish-endpoint');
}

describe('traffic that a host sends to the wrong one', () => {
  const NOWHERE = '10.6.17.99';

  /** Lets the first host send what is meant for web-b nowhere, in this test alone: where it has failed, another try begins as it did. */
  async function mislead(): Promise<void> {
    const { network: id, mac } = await seat(second, 'web-b');
    const { host } = cluster.node(first);
    const right = cluster.node(second).host.ip;
    expect(await vtepOf(host, id, mac)).toBe(right);
    onTestFinished(() => misdirect(host, id, mac, right));
    await misdirect(host, id, mac, NOWHERE);
    expect(await pings(host, 'web-a', 'web-b')).toBe(false);
    expect(await pings(host, 'web-a', 'web-d')).toBe(true);
  }

  test('is found by a check and mended by hand, with the same address', async () => {
    await cluster.node(second).ovrd.end();
    await cluster.start(1, ['--probe-heal', 'false']);
    await cluster.converged();
    const before = await seat(second, 'web-b');
    await mislead();
    const report = await finds('the container', ({ unreached }) => unreached.length > 0);
    expect(report.unreached).toMatchObject([
      { network: 'ovr0', container: 'web-b', node: second, address: before.address, from: [first] },
    ]);
    expect(report.unreached[0]?.message).toContain(`ovr republish web-b on ${second}`);
    const env = { OVR_SOCKET: cluster.node(second).ovrd.socket };
    expect((await cli.run('republish web-b', { env })).code).toBe(0);
    await finds('all is well again', ({ ok }) => ok);
    expect(await pings(cluster.node(first).host, 'web-a', 'web-b')).toBe(true);
    expect(await seat(second, 'web-b')).toEqual(before);
    expect((await republished()).map(({ saw }) => saw)).toEqual([expect.stringContaining('asked for by')]);
  });

  test('is found and mended by the checks alone, and told with what was seen from where', async () => {
    await cluster.node(second).ovrd.end();
    await cluster.start(1, ['--probe-interval', '5s']);
    await cluster.converged();
    const before = await seat(second, 'web-b');
    await mislead();
    // It takes several checks that see the same, and each is long on a busy machine.
    const healed = async (): Promise<boolean> => (await republished()).length > 0;
    await cluster.node(second).eventually('it is healed', healed, 2 * PATIENCE_MS);
    await until('traffic arrives', PATIENCE_MS, async () =>
      (await pings(cluster.node(first).host, 'web-a', 'web-b')) ? true : undefined,
    );
    const after = await seat(second, 'web-b');
    expect(after).toEqual(before);
    expect((await republished()).map(({ saw }) => saw)).toEqual([
      expect.stringMatching(
        new RegExp(`${before.address} is not reached from ${first}, while 10\\.0\\.9\\.\\d+ beside it is`),
      ),
    ]);
    expect(await metrics(second)).toMatch(/^ovr_heal_total\{playbook="republish-endpoint"\} 1$/m);
    await finds('all is well again', ({ ok }) => ok);
  });
});

test('shows a host that is cut off as one that did not answer, never as fine', async () => {
  await cluster.node(second).host.cutNetwork();
  const cut = await finds('the silence', (report) => ways(report).includes('2>1 no-answer'));
  expect(cut.ok).toBe(false);
  expect(ways(cut)).toEqual(['1>1 ok', '1>2 no-answer', '2>1 no-answer', '2>2 no-answer']);
  await until('it is away', PATIENCE_MS, async () => {
    const { nodes } = await check();
    return nodes.some(({ message }) => message.startsWith('is away')) ? true : undefined;
  });
  await cluster.node(second).host.restoreNetwork();
  await finds('all is well again', ({ ok }) => ok);
});
