import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { container, manifest, network, openNode, place, undoAfterAll, type LiveNode } from '../build/live.ts';
import { dockerError, FaultProxy, type Fault } from '../faultproxy/index.ts';
import { startLab, type LabHost } from '../lab/lab.ts';
import { processInfo } from '../lab/processes.ts';

const undo = undoAfterAll();
let host: LabHost;
/** Between ovrd and the daemon. */
let proxy: FaultProxy;
/** One ovrd for the faults: none of them may need a new one. */
let node: LiveNode;
let pid: number;
let generation = 0;

beforeAll(async () => {
  const lab = await startLab({ topology: 'single', name: 'it-faults' });
  undo(() => lab.down());
  host = lab.hosts[0]!;
  proxy = await FaultProxy.start({ path: host.socket });
  undo(() => proxy.close());
  const folder = await mkdtemp(join(tmpdir(), 'ovr-faults-'));
  undo(() => rm(folder, { recursive: true, force: true }));
  node = await openNode({ host, socket: proxy.socketPath, folder });
  undo(() => node.close());
  pid = node.ovrd.pid;
  await change();
});

/** Two containers on a network: one that tests break, and one that nothing may happen to. */
function declared(): Parameters<LiveNode['offer']>[1][] {
  const env = [{ name: 'GENERATION', value: String(generation) }];
  return [
    network('net0', { driver: 'bridge', ipam: { subnet: '10.82.0.0/24' } }),
    container('broken', { networks: [{ name: 'net0', aliases: ['b'] }], env }),
    container('steady', { networks: ['net0'] }),
  ];
}

/** Makes `broken` be replaced, as soon as the engine answers. */
async function change(): Promise<void> {
  generation += 1;
  const before = (await node.status()).revision?.digest;
  await place(node.manifests, 'all.yaml', manifest(...declared()));
  await node.eventually('the change is read', async () => (await node.status()).revision?.digest !== before);
}

beforeEach(async () => {
  proxy.heal();
  await node.converged();
});

interface Picture {
  readonly steady: readonly (string | undefined)[];
  readonly network: readonly string[];
}

async function picture(): Promise<Picture> {
  const { Id, State, NetworkSettings } = await node.docker.mustInspect('steady');
  const named = await node.docker.networksNamed('net0');
  return {
    steady: [Id, State.StartedAt, NetworkSettings.Networks['net0']?.IPAddress],
    network: named.map(({ Id: id }) => id),
  };
}

/** Everything is there once, and it is still the same ovrd. */
async function isWhole(): Promise<void> {
  await node.eventually('ovrd is as before', async () => {
    const { converged, engine } = await node.status();
    return converged && engine.up && (await node.docker.containerNames('running')).join() === 'broken,steady';
  });
  expect(await node.docker.containerNames()).toEqual(['broken', 'steady']);
  const { Config, NetworkSettings } = await node.docker.mustInspect('broken');
  expect(NetworkSettings.Networks['net0']?.Aliases).toContain('b');
  expect(Config.Labels['ovr.name']).toBe('broken');
  const names = (await node.docker.networks()).map(({ Name }) => Name);
  expect(new Set(names).size).toBe(names.length);
  expect(node.ovrd.pid).toBe(pid);
}

describe('the daemon', () => {
  test('frozen for 15 s: told of, waited for, and what came meanwhile is done', async () => {
    const before = await picture();
    const began = performance.now();
    host.freezeDaemon();
    try {
      await change();
      await node.eventually(
        'ovrd says that the engine does not answer',
        async () => !(await node.status()).engine.up,
      );
      await sleep(Math.max(0, 15_000 - (performance.now() - began)));
    } finally {
      host.thawDaemon();
    }
    await isWhole();
    expect((await node.docker.mustInspect('broken')).Config.Env).toContain(`GENERATION=${generation}`);
    expect(await picture()).toEqual(before);
  });

  test.each([
    ['restarted', (): Promise<void> => host.restartDaemon()],
    ['killed', (): Promise<void> => host.killDaemon().then(() => host.startDaemon())],
  ])('%s: the same containers run again', async (_, act) => {
    const ids = async (): Promise<string[]> =>
      Promise.all(['broken', 'steady'].map(async (name) => (await node.docker.mustInspect(name)).Id));
    const before = await ids();
    const mark = await node.mark();
    await act();
    await isWhole();
    expect(await ids()).toEqual(before);
    expect((await node.steps(mark)).filter(({ action }) => /^(Remove|Create)/.test(action ?? ''))).toEqual(
      [],
    );
  });
});

describe('between ovrd and the daemon', () => {
  const html: Fault = {
    type: 'answer',
    status: 502,
    contentType: 'text/html',
    body: '<html><h1>Bad gateway</h1></html>',
  };
  const garbage: Fault = { type: 'answer', status: 200, contentType: 'application/json', body: '[{"Id": 17' };
  const everything = /./;
  const lists = /GET .*\/(containers|networks)(\/json)?(\?|$)/;
  const changes = /^(POST|DELETE) /;

  test.each<[what: string, pattern: RegExp, fault: Fault]>([
    ['lists are cut off', lists, { type: 'cut', bodyBytes: 20 }],
    ['lists never end', lists, { type: 'silence' }],
    ['everything is answered with 500', everything, dockerError(500, 'something is wrong')],
    ['everything is answered with a web page', everything, html],
    ['everything is answered with garbage', everything, garbage],
    ['every connection is closed', everything, { type: 'close' }],
    ['changes are answered with 500', changes, dockerError(500, 'something is wrong')],
    ['changes are answered with garbage', changes, garbage],
    ['changes are done and their answers lost', changes, { type: 'drop-answer' }],
  ])('%s: nothing is lost or doubled, and it ends well by itself', async (_, pattern, fault) => {
    const before = await picture();
    const seen = proxy.requests.length;
    proxy.fault(pattern, fault);
    await change();
    await host.docker(['network', 'disconnect', 'net0', 'broken']).catch(() => undefined);
    const faulted = (): number =>
      proxy.requests.slice(seen).filter(({ method, path }) => pattern.test(`${method} ${path}`)).length;
    await node.eventually('ovrd has run into it', () => faulted() >= (fault.type === 'silence' ? 1 : 3));
    proxy.heal();
    await isWhole();
    expect((await node.docker.mustInspect('broken')).Config.Env).toContain(`GENERATION=${generation}`);
    expect(await picture()).toEqual(before);
  });

  test('the answer to the making of a network is lost: it is made once', async () => {
    const seen = proxy.requests.length;
    const create = /POST .*\/networks\/create/;
    proxy.fault(create, { type: 'drop-answer' });
    await node.offer('late.yaml', network('late', { driver: 'bridge' }));
    await node.eventually('it is asked for', () =>
      proxy.requests.slice(seen).some(({ method, path }) => create.test(`${method} ${path}`)),
    );
    proxy.heal();
    onTestFinished(() => node.withdraw('late.yaml').then(() => node.converged()));
    await isWhole();
    expect(await node.docker.networksNamed('late')).toHaveLength(1);
  });
});

describe('one object in trouble holds up no other', () => {
  /** Breaks `broken` and sees it come back, while something else is stuck. */
  async function repairs(): Promise<void> {
    const mark = await node.mark();
    await host.docker(['network', 'disconnect', 'net0', 'broken']);
    await node.eventually('broken is repaired', async () =>
      (await node.steps(mark)).some(
        ({ key, action }) => key === 'Container/broken' && action === 'ConnectEndpoint',
      ),
    );
  }

  test('a container whose shim hangs, so that the daemon holds its lock', async () => {
    const shim = processInfo((await host.containerPid('steady')) ?? 0)?.ppid ?? 0;
    expect(processInfo(shim)?.comm).toMatch(/^containerd-shim/);
    process.kill(shim, 'SIGSTOP');
    let killed: Promise<unknown> = Promise.resolve();
    try {
      killed = node.docker.request('POST', '/containers/steady/kill');
      await repairs();
    } finally {
      process.kill(shim, 'SIGCONT');
    }
    await killed;
    await isWhole();
  });

  test('an image that is nowhere, until it is there', async () => {
    await node.offer(
      'late.yaml',
      container('late', { image: 'late:1', imagePullPolicy: 'Never', networks: [] }),
    );
    onTestFinished(() => node.withdraw('late.yaml').then(() => node.converged()));
    await node.shows('Container/late', /^(Failed|Waiting): .*late:1/);
    await repairs();
    await host.docker(['tag', 'busybox:latest', 'late:1']);
    await node.converged();
    expect(await node.docker.containerNames('running')).toEqual(['broken', 'late', 'steady']);
  });

  test('a port that somebody else has, until it is free', async () => {
    await host.docker([
      'run',
      '--detach',
      '--name',
      'taker',
      '--publish',
      '8055:80',
      'busybox',
      'sleep',
      '1000',
    ]);
    await node.offer('port.yaml', container('wants', { ports: ['8055:80'], networks: ['net0'] }));
    onTestFinished(() => node.withdraw('port.yaml').then(() => node.converged()));
    await node.shows('Container/wants', /^Waiting: .*8055/);
    await repairs();
    await host.docker(['rm', '--force', 'taker']);
    await node.converged();
    expect(await node.docker.containerNames('running')).toEqual(['broken', 'steady', 'wants']);
  });
});

/** The playbooks that have healed an object, oldest first. */
async function healed(key: string): Promise<string[]> {
  return ((await node.object(key))?.heals ?? []).map(({ playbook }) => playbook);
}

/** Does what a person does while ovrd does not look. */
async function behindItsBack(act: () => Promise<unknown>): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  try {
    await act();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

describe('what Docker says when networks break', () => {
  const connects = /POST .*\/networks\/[^/]+\/connect/;

  // What breaks five times in 300 s is Stalled, and `broken` breaks in every test: ovrd forgets that with each start.
  beforeEach(async () => {
    await node.ovrd.end();
    await node.startAgain(proxy.socketPath);
    pid = node.ovrd.pid;
    await node.converged();
  });

  /** Breaks `broken` while connects are answered so, and heals once the object says what is expected. */
  async function refused(status: number, message: string, says: RegExp): Promise<void> {
    proxy.fault(connects, dockerError(status, message));
    await host.docker(['network', 'disconnect', 'net0', 'broken']);
    await node.shows('Container/broken', says);
    proxy.heal();
    await isWhole();
  }

  test('an endpoint that it neither shows nor lets be made anew: told, tried five times, and no container touched', async () => {
    const before = await picture();
    const mark = await node.mark();
    await refused(
      403,
      'endpoint with name broken already exists in network net0',
      /^(Waiting|Stalled): .*shows none.*restart Docker/,
    );
    expect(await picture()).toEqual(before);
    const renames = (await node.steps(mark)).filter(({ action }) => action === 'RenameContainer');
    expect(renames).toEqual([]);
  });

  test.each([
    [
      'managers that give no answer',
      500,
      'attaching to network failed, make sure your network options are correct and check manager logs: context deadline exceeded',
      /^Failed: .*check the address, the subnet and the managers/,
    ],
    [
      'an attachment that Swarm mode has lost',
      500,
      'could not find network attachment for container broken to network net0',
      /^Failed: .*could not find network attachment/,
    ],
    [
      'no virtual address left',
      500,
      'could not find an available IP while allocating VIP',
      /^Waiting: .*give the network a bigger subnet/,
    ],
  ])('%s: told with the mend, and done once it is over', (_, status, message, says) =>
    refused(status, message, says),
  );

  test('the ZooKeeper of --cluster-store fails on the making of a network: told with the mend, and made once it is over', async () => {
    proxy.fault(
      /POST .*\/networks\/create/,
      dockerError(500, 'pool configuration failed because of zk: unknown error'),
    );
    await node.offer('stored.yaml', network('stored', { driver: 'bridge' }));
    onTestFinished(() => node.withdraw('stored.yaml').then(() => node.converged()));
    await node.shows(
      'Network/stored',
      /^Failed: .*zk: unknown error.*--cluster-store.*without a trailing slash/,
    );
    proxy.heal();
    await isWhole();
    expect(await node.docker.networksNamed('stored')).toHaveLength(1);
  });

  test.each([
    'failed to get networks for scope global: zk: node does not exist',
    'could not get pools config from store: Key not found in store',
  ])('the store of the daemons fails: "%s" is no empty list, and nothing is removed', async (message) => {
    const before = await picture();
    const mark = await node.mark();
    proxy.fault(/GET .*\/networks(\?|$)/, dockerError(500, message));
    await node.ovrd.client.resync();
    await node.eventually('ovrd says what is wrong', async () => {
      const { engine } = await node.status();
      return !engine.up && engine.message.includes(message) && engine.message.includes('--cluster-store');
    });
    proxy.heal();
    await isWhole();
    expect(await node.steps(mark)).toEqual([]);
    expect(await picture()).toEqual(before);
  });

  test('a network without an address left: the one object waits, and is done once there is one', async () => {
    await node.offer(
      'full.yaml',
      network('full', { driver: 'bridge', ipam: { subnet: '10.83.0.0/30' } }),
      container('has', { networks: ['full'] }),
    );
    onTestFinished(() => node.withdraw('full.yaml').then(() => node.converged()));
    await node.converged();
    await place(
      node.manifests,
      'full.yaml',
      manifest(
        network('full', { driver: 'bridge', ipam: { subnet: '10.83.0.0/30' } }),
        container('has', { networks: ['full'] }),
        container('late', { networks: ['full'] }),
      ),
    );
    await node.shows('Container/late', /^Waiting: .*no available IPv4 addresses.*bigger subnet/);
    const addresses = (await node.object('Network/full'))?.observed?.addresses;
    expect(addresses).toEqual({ used: 1, total: 1 });
    const mark = await node.mark();
    await host.docker(['network', 'disconnect', 'net0', 'broken']);
    await node.eventually('broken is repaired', async () =>
      (await node.steps(mark)).some(
        ({ key, action }) => key === 'Container/broken' && action === 'ConnectEndpoint',
      ),
    );
    await place(
      node.manifests,
      'full.yaml',
      manifest(
        network('full', { driver: 'bridge', ipam: { subnet: '10.83.0.0/30' } }),
        container('late', { networks: ['full'] }),
      ),
    );
    await node.shows('Container/late', /^Ready/);
  });

  test('an address on a network whose subnet was not configured: told with the mend', async () => {
    await host.docker(['network', 'create', 'plain']);
    await node.offer(
      'plain.yaml',
      container('guest', { networks: [{ name: 'plain', ipv4Address: '172.31.9.9' }] }),
    );
    await node.shows('Container/guest', /^Failed: .*Give the network an ipam.subnet/);
    const before = await node.docker.networksNamed('plain');
    await node.withdraw('plain.yaml');
    await node.converged();
    expect(await node.docker.networksNamed('plain')).toEqual(before);
    await host.docker(['network', 'rm', 'plain']);
  });

  test('a network that was removed while its container was stopped: made again, and the same container on it', async () => {
    await node.declare(
      'again.yaml',
      network('again', { driver: 'bridge', ipam: { subnet: '10.84.0.0/24' } }),
      container('member', { networks: [{ name: 'again', aliases: ['m'] }] }),
    );
    onTestFinished(() => node.withdraw('again.yaml').then(() => node.converged()));
    const { Id } = await node.docker.mustInspect('member');
    const [old] = await node.docker.networksNamed('again');
    await behindItsBack(async () => {
      await host.docker(['stop', '--time', '0', 'member']);
      await host.docker(['network', 'rm', 'again']);
    });
    await node.eventually('it runs on the new network', async () => {
      const found = await node.docker.mustInspect('member');
      const id = found.NetworkSettings.Networks['again']?.NetworkID;
      return found.State.Status === 'running' && id !== undefined && id !== old?.Id;
    });
    await node.converged();
    const { Id: now, NetworkSettings } = await node.docker.mustInspect('member');
    expect(now).toBe(Id);
    expect(NetworkSettings.Networks['again']?.Aliases).toContain('m');
    expect(await healed('Container/member')).toContain('replaced-network');
  });

  test('aliases that somebody’s own disconnect and connect lost: put back, on the same address', async () => {
    const address = async (): Promise<string | undefined> =>
      (await node.docker.mustInspect('broken')).NetworkSettings.Networks['net0']?.IPAddress;
    const before = await address();
    await behindItsBack(async () => {
      await host.docker(['network', 'disconnect', 'net0', 'broken']);
      await host.docker(['network', 'connect', '--ip', before ?? '', 'net0', 'broken']);
    });
    await node.eventually('it is healed', async () =>
      (await healed('Container/broken')).includes('restore-aliases'),
    );
    await isWhole();
    expect(await address()).toBe(before);
  });
});
