import { beforeAll, describe, expect, it } from 'vitest';
import { alias, attach, container, network } from '../build/objects.ts';
import { WholeCluster } from '../build/whole-cluster.ts';
import type { ContainerObject, ContainerSpec } from '../../pkg/manifest/index.ts';
import { switchId } from '../../pkg/reconcile/index.ts';

const CONNECT_MS = 130;
const HOSTS = ['swarm-master', 'swarm-node-1', 'swarm-node-2'] as const;
const ovr0 = network('ovr0', { ipam: { subnet: '10.0.9.0/24' } });
const nginx = alias('nginx', { selector: { app: 'web', track: 'blue' } });

function web(name: string, track: string, host: string, spec: Partial<ContainerSpec> = {}): ContainerObject {
  const on = { nodeConstraint: [`node==${host}`], networks: [attach('ovr0')], ...spec };
  return container(name, on, { labels: { app: 'web', track } });
}

const objects = [
  ovr0,
  nginx,
  web('client', 'none', HOSTS[0]),
  web('blue', 'blue', HOSTS[1]),
  web('green', 'green', HOSTS[2]),
];

/** Whom the name leads to, as a client on the first host asks for it. */
function leadsTo(cluster: WholeCluster): string {
  const addresses = cluster.world.resolve(HOSTS[0], 'client', 'nginx');
  const names = ['blue', 'green'].filter((name) =>
    addresses.includes(cluster.world.resolve(HOSTS[0], 'client', name)[0] ?? 'none'),
  );
  return names.join(' ');
}

/** Everything that the name led to, one after the other, and how long it all took, milliseconds. */
async function watch(cluster: WholeCluster, until: string): Promise<{ seen: string[]; tookMs: number }> {
  const seen: string[] = [];
  for (let ms = 0; ms < 20_000; ms += 10) {
    const now = leadsTo(cluster);
    if (seen.at(-1) !== now) seen.push(now);
    if (now === until) return { seen, tookMs: ms };
    await cluster.clock.advanceAsync(10);
  }
  throw new Error(`the name never led to ${until}: ${seen.join(' → ')}`);
}

describe('a switch over three hosts', () => {
  let cluster: WholeCluster;
  beforeAll(async () => {
    cluster = new WholeCluster(3, CONNECT_MS);
    await cluster.start(...objects);
  });

  it('starts with the manifest', () => {
    expect(leadsTo(cluster)).toBe('blue');
    expect(cluster.members.map(({ reconciler }) => reconciler.status().converged)).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('gives the name to the new holder before the old one loses it, within two reconnects', async () => {
    const request = { alias: 'nginx', labels: { track: 'green' }, note: 'trial', who: 'ann' };
    const result = await cluster.during(cluster.at(0).switches.switchAlias(request));
    expect(result).toEqual({ alias: 'nginx', selector: { app: 'web', track: 'green' }, chosen: ['green'] });
    const { seen, tookMs } = await watch(cluster, 'green');
    expect(seen).toEqual(['blue', 'blue green', 'green']);
    expect(tookMs).toBeLessThanOrEqual(4 * CONNECT_MS + 100);
    await cluster.clock.advanceAsync(5_000);
    const { aliases } = await cluster.during(cluster.at(0).reconciler.cluster());
    expect(aliases[0]).toMatchObject({ isSwitched: true, isSettled: true, condition: { type: 'Ready' } });
    const { history } =
      cluster
        .at(2)
        .reconciler.status()
        .objects.find(({ name }) => name === 'green') ?? {};
    expect(history?.at(-1)?.cause).toMatchObject({ reason: 'AliasSwitched', drift: false });
  });

  it('stays switched over restarts of every agent', async () => {
    expect(cluster.at(1).cluster.holds.list()).toMatchObject([{ id: switchId('nginx'), who: 'ann' }]);
    cluster.declare(...objects, container('other', { nodeConstraint: ['node==nowhere'] }));
    await cluster.clock.advanceAsync(60_000);
    expect(leadsTo(cluster)).toBe('green');
  });

  it('repairs a name that somebody takes away meanwhile, as drift', async () => {
    const hand = cluster.world.host(2).hand;
    hand.disconnect('green', 'ovr0');
    hand.connect('green', 'ovr0');
    await cluster.clock.advanceAsync(5_000);
    expect(leadsTo(cluster)).toBe('green');
    const { history } =
      cluster
        .at(2)
        .reconciler.status()
        .objects.find(({ name }) => name === 'green') ?? {};
    expect(history?.at(-1)?.cause.drift).toBe(true);
  });

  it('goes back the same way', async () => {
    const back = await cluster.during(cluster.at(1).switches.switchBack('nginx'));
    expect(back).toMatchObject({ selector: { app: 'web', track: 'blue' }, chosen: ['blue'] });
    expect((await watch(cluster, 'blue')).seen).toEqual(['green', 'blue green', 'blue']);
    await expect(cluster.during(cluster.at(1).switches.switchBack('nginx'))).resolves.toBeUndefined();
  });

  it('ends by itself when its time is over', async () => {
    const request = { alias: 'nginx', labels: { track: 'green' }, forMs: 60_000, who: 'ann' };
    await cluster.during(cluster.at(0).switches.switchAlias(request));
    await watch(cluster, 'green');
    await cluster.clock.advanceAsync(59_000);
    expect((await watch(cluster, 'blue')).seen).toEqual(['green', 'blue green', 'blue']);
  });

  it('keeps the name with the old holder while the new one does not run', async () => {
    await cluster.during(
      cluster.at(0).switches.switchAlias({ alias: 'nginx', labels: { track: 'green' }, who: 'ann' }),
    );
    await watch(cluster, 'green');
    const refused = { alias: 'nginx', labels: { track: 'red' }, who: 'ann' };
    await cluster.during(cluster.at(0).switches.switchAlias({ ...refused, force: true }));
    await cluster.clock.advanceAsync(30_000);
    expect(leadsTo(cluster)).toBe('green');
    const status = cluster.at(2).reconciler.status().aliases[0];
    expect(status?.condition).toMatchObject({ type: 'Degraded' });
    await cluster.during(cluster.at(0).switches.switchBack('nginx'));
    await watch(cluster, 'blue');
  });
});

describe('a switch that cannot be', () => {
  const unwell = { test: ['CMD', 'false'], intervalMs: 1_000 };
  let cluster: WholeCluster;
  beforeAll(async () => {
    cluster = new WholeCluster(3, 1);
    await cluster.start(
      ovr0,
      alias('nginx', { selector: { track: 'blue' }, readiness: 'Healthy' }),
      alias('watched', { selector: { track: 'blue' } }, { mode: 'observe' }),
      web('client', 'none', HOSTS[0]),
      web('blue', 'blue', HOSTS[1]),
      web('green', 'green', HOSTS[2], { healthcheck: unwell }),
    );
    cluster.world.host(2).hand.setHealth('green', 'unhealthy');
    await cluster.clock.advanceAsync(5_000);
  });

  it.each([
    ['nobody', { track: 'green' }, 'there is no Alias nobody: ovr get aliases lists them'],
    ['nginx', { track: null }, 'an empty selector would choose every container; name a label at least'],
    [
      'nginx',
      { track: 'red' },
      'no container on network ovr0 has the labels track=red, so the name would stay where it is; with --force the switch waits for one',
    ],
    [
      'nginx',
      { track: 'green' },
      'no container with track=green is ready to take the name over (green is unhealthy); with --force the switch waits for one',
    ],
    [
      'watched',
      { track: 'green' },
      'the mode of Alias watched is observe, so nothing would move: change ovr/mode first',
    ],
  ])('%s to %j', async (name, labels, message) => {
    const { switches, cluster: shared } = cluster.at(0);
    const asked = switches.switchAlias({ alias: name, labels, who: 'ann' });
    await expect(cluster.during(asked)).rejects.toMatchObject({ message, code: 'invalid-request' });
    expect(shared.holds.list()).toEqual([]);
  });

  it('waits for a holder that is forced on it, and takes it once it is healthy', async () => {
    const { switches } = cluster.at(0);
    const request = { alias: 'nginx', labels: { track: 'green' }, who: 'ann', force: true };
    await cluster.during(switches.switchAlias(request));
    await cluster.clock.advanceAsync(10_000);
    expect(leadsTo(cluster)).toBe('blue');
    cluster.world.host(2).hand.setHealth('green', 'healthy');
    expect((await watch(cluster, 'green')).seen).toEqual(['blue', 'blue green', 'green']);
  });
});
