import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { DockerApi } from '../build/docker-api.ts';
import {
  container,
  manifest,
  network,
  openNode,
  pings,
  place,
  resolve,
  type LiveNode,
  undoAfterAll,
} from '../build/live.ts';
import { startLab, type LabHost } from '../lab/lab.ts';

const undo = undoAfterAll();
let manager: LabHost;
let worker: LabHost;

beforeAll(async () => {
  const lab = await startLab({ topology: 'swarm', hosts: 2, name: 'it-swarm' });
  undo(() => lab.down());
  [manager, worker] = lab.hosts as [LabHost, LabHost];
});

/** One container on each host, on one overlay, with one alias. */
const PAIR = [
  network('ovr0'),
  container('on-manager', {
    nodeConstraint: 'node.role==manager',
    networks: [{ name: 'ovr0', aliases: ['both'] }],
  }),
  container('on-worker', {
    nodeConstraint: 'node.role==worker',
    networks: [{ name: 'ovr0', aliases: ['both'] }],
  }),
];

async function endpoint(node: LiveNode, name: string): Promise<readonly string[] | undefined> {
  return (await node.docker.container(name))?.NetworkSettings.Networks['ovr0']?.Aliases ?? undefined;
}

describe('a manager and a worker', () => {
  let atManager: LiveNode;
  let atWorker: LiveNode;
  const undoHere = undoAfterAll();

  beforeAll(async () => {
    // The worker comes first: it has nothing to attach to until a manager has made the overlay.
    atWorker = await openNode({ host: worker });
    undoHere(() => atWorker.close());
    await place(atWorker.manifests, 'pair.yaml', manifest(...PAIR));
    await atWorker.shows('Container/on-worker', /ovr0/);
    expect((await atWorker.status()).converged).toBe(false);
    // No event tells who is in the gossip: it is asked about with a look that something else sets off.
    const args = ['--resync', '5s'];
    atManager = await openNode({ host: manager, manifests: atWorker.manifests, args });
    undoHere(() => atManager.close());
    await atManager.converged();
    await atWorker.converged();
  });

  test('worker first: it attaches by name once the manager has made the overlay', async () => {
    expect((await atManager.status()).engine.kind).toBe('swarm-manager');
    expect((await atWorker.status()).engine.kind).toBe('swarm-worker');
    const [made, ...more] = await atManager.docker.networksNamed('ovr0');
    expect(more).toEqual([]);
    expect(made).toMatchObject({ Scope: 'swarm', Attachable: true });
    expect(made?.IPAM.Config[0]?.Subnet).toMatch(/^10\.64\.\d+\.0\/24$/);
    expect((await atWorker.docker.networksNamed('ovr0')).map(({ Id }) => Id)).toEqual([made?.Id]);
  });

  test('names and the shared alias resolve on both', async () => {
    await atWorker.eventually(
      'both addresses, seen from the worker',
      async () => (await resolve(worker, 'on-worker', 'both')).length === 2,
    );
    expect(await resolve(manager, 'on-manager', 'both')).toEqual(await resolve(worker, 'on-worker', 'both'));
    expect(await pings(worker, 'on-worker', 'on-manager')).toBe(true);
  });

  test('gossip that is blocked between them: the network says whom it has lost, and clears by itself', async () => {
    const rules = ['tcp', 'udp'].flatMap((protocol) =>
      ['INPUT', 'OUTPUT'].map((chain) => [chain, '-p', protocol, '--dport', '7946', '-j', 'DROP']),
    );
    const filter = async (what: '-I' | '-D'): Promise<void> => {
      for (const rule of rules) {
        const { code, stderr } = await worker.exec(['iptables', what, ...rule]);
        expect([code, stderr]).toEqual([0, '']);
      }
    };
    const began = performance.now();
    await filter('-I');
    try {
      await atManager.eventually(
        'the network is degraded',
        async () => /^Degraded: /.test(await atManager.condition('Network/ovr0')),
        120_000,
      );
      expect(await atManager.condition('Network/ovr0')).toContain(worker.name);
    } finally {
      await filter('-D');
    }
    const opened = performance.now();
    await atManager.eventually(
      'it has cleared',
      async () => /^Ready/.test(await atManager.condition('Network/ovr0')),
      120_000,
    );
    await atManager.eventually(
      'both addresses, seen from the worker',
      async () => (await resolve(worker, 'on-worker', 'both')).length === 2,
    );
    const seconds = (from: number, to: number): number => Math.round((to - from) / 1000);
    process.stdout.write(
      `degraded ${seconds(began, opened)} s after gossip was blocked, well ${seconds(opened, performance.now())} s after it was let through\n`,
    );
  }, 300_000);

  test.each([
    ['disconnected', [['network', 'disconnect', 'ovr0', 'on-worker']]],
    ['removed', [['rm', '--force', 'on-worker']]],
    ['killed', [['kill', 'on-worker']]],
  ])('on the worker, %s by hand: put right', async (_, commands) => {
    const mark = await atWorker.mark();
    for (const command of commands) await worker.docker(command);
    await atWorker.eventually('it is back with its alias', async () => {
      if ((await atWorker.steps(mark)).length === 0 || !(await atWorker.status()).converged) return false;
      return (await endpoint(atWorker, 'on-worker'))?.includes('both') ?? false;
    });
    await atWorker.eventually(
      'both names resolve again',
      async () => (await resolve(manager, 'on-manager', 'both')).length === 2,
    );
    expect((await atWorker.steps(mark)).every(({ cause }) => cause?.drift)).toBe(true);
  });

  test('what was healed until now is told by its playbook', async () => {
    const heals = (await atWorker.object('Container/on-worker'))?.heals ?? [];
    expect(heals.map(({ playbook }) => playbook)).toContain('reconnect-endpoint');
  });

  test('a restart of the worker daemon: everything comes back, ovrd goes on', async () => {
    const { pid } = atWorker.ovrd;
    await worker.restartDaemon();
    await atWorker.eventually('the container runs on the overlay', async () => {
      const found = await atWorker.docker.container('on-worker').catch(() => undefined);
      return found?.State.Status === 'running' && 'ovr0' in found.NetworkSettings.Networks;
    });
    await atWorker.eventually('ovrd knows', async () => {
      const { converged, engine } = await atWorker.status();
      return converged && engine.up;
    });
    expect(await endpoint(atWorker, 'on-worker')).toContain('both');
    expect(await atWorker.docker.containerNames()).toEqual(['on-worker']);
    expect(atWorker.ovrd.pid).toBe(pid);
  });

  test('while no manager answers nothing can be attached: done once one does, without a hand', async () => {
    await manager.stopDaemon();
    await worker.docker(['kill', 'on-worker']);
    // Docker takes 20 s to say so, or the node knows by then that it has lost its managers.
    await atWorker.shows('Container/on-worker', /^(Failed|Waiting): .*(attach|network)/);
    await manager.startDaemon();
    const back = performance.now();
    await atWorker.eventually('the container runs on the overlay', async () => {
      const found = await atWorker.docker.container('on-worker');
      return found?.State.Status === 'running' && 'ovr0' in found.NetworkSettings.Networks;
    });
    process.stdout.write(
      `back on the overlay ${Math.round(performance.now() - back)} ms after the manager\n`,
    );
    await atWorker.converged();
    expect(await endpoint(atWorker, 'on-worker')).toContain('both');
    const heals = (await atWorker.object('Container/on-worker'))?.heals ?? [];
    expect(heals.map(({ playbook }) => playbook)).toContain('rejoin-overlay');
    await atManager.converged();
  });

  test('deleted manifests: the containers go, then the overlay', async () => {
    await place(atWorker.manifests, 'rest.yaml', manifest(container('rest', { networks: [] })));
    await rm(join(atWorker.manifests, 'pair.yaml'));
    await atManager.eventually(
      'the overlay is gone',
      async () => (await atManager.docker.networks()).length === 0,
    );
    await atWorker.eventually(
      'its container is gone',
      async () => (await atWorker.docker.containerNames()).join() === 'rest',
    );
  });
});

describe('a foreign overlay', () => {
  test('that is not attachable: the container waits and says what to do', async () => {
    const node = await openNode({ host: manager });
    try {
      await manager.docker([
        'network',
        'create',
        '--driver',
        'overlay',
        '--subnet',
        '10.20.0.0/24',
        'closed',
      ]);
      await node.offer('all.yaml', container('guest', { networks: ['closed'] }));
      await node.shows('Container/guest', /^Waiting: network closed is not attachable: .*attachable: true/);
      expect(await node.docker.containerNames()).toEqual([]);
    } finally {
      await node.close();
    }
  });

  test('that is attachable: used as it is, also by a worker, and left behind', async () => {
    await manager.docker([
      'network',
      'create',
      '--driver',
      'overlay',
      '--attachable',
      '--subnet',
      '10.21.0.0/24',
      'open',
    ]);
    const node = await openNode({ host: worker });
    try {
      await node.declare('all.yaml', container('guest', { networks: [{ name: 'open', aliases: ['g'] }] }));
      const found = await node.docker.mustInspect('guest');
      expect(found.NetworkSettings.Networks['open']?.IPAddress).toMatch(/^10\.21\.0\./);
    } finally {
      await node.close();
    }
    expect(await new DockerApi(manager.socket).networksNamed('open')).toHaveLength(1);
    await manager.docker(['network', 'rm', 'open']);
  });
});

test('manager first: the worker finds the overlay that it cannot list', async () => {
  const atManager = await openNode({ host: manager });
  await atManager.declare('net.yaml', network('early'));
  const atWorker = await openNode({ host: worker, manifests: atManager.manifests });
  try {
    expect(await atWorker.docker.networksNamed('early')).toEqual([]);
    const late = container('late', { nodeConstraint: 'node.role==worker', networks: ['early'] });
    await atWorker.declare('late.yaml', late);
    expect((await atWorker.docker.mustInspect('late')).NetworkSettings.Networks['early']?.IPAddress).not.toBe(
      '',
    );
    const heals = (await atWorker.object('Container/late'))?.heals ?? [];
    expect(heals.map(({ playbook }) => playbook)).toEqual(['attach-by-name']);
    await atManager.converged();
  } finally {
    await atWorker.close();
    await atManager.close();
  }
});
