import { beforeEach, describe, expect, it } from 'vitest';
import { alias, attach, container, network } from '../build/objects.ts';
import { WholeCluster } from '../build/whole-cluster.ts';
import type { ObjectStatus } from '../../pkg/reconcile/index.ts';

const HOSTS = ['swarm-master', 'swarm-node-1'] as const;
const ovr0 = network('ovr0', { ipam: { subnet: '10.0.9.0/24' } });
const at = (name: string, host: string): ReturnType<typeof container> =>
  container(
    name,
    { nodeConstraint: [`node==${host}`], networks: [attach('ovr0')] },
    { labels: { app: name } },
  );
const [web, other] = [at('web', HOSTS[1]), at('other', HOSTS[1])];
const nginx = alias('nginx', { selector: { app: 'web' } });
const objects = [ovr0, web, other, nginx];

let cluster: WholeCluster;
beforeEach(async () => {
  cluster = new WholeCluster(2, 10);
  await cluster.start(...objects);
});

function object(key: string, index = 1): ObjectStatus | undefined {
  return cluster
    .at(index)
    .reconciler.status()
    .objects.find((known) => known.key === key);
}

function isRunning(name: string): boolean {
  const { containers } = cluster.world.host(1).observe();
  return containers.some((known) => known.name === name && known.state === 'running');
}

/** Asked for on the first host, while the containers are on the second. */
async function suspend(target: Parameters<typeof request>[0], more: object = {}): Promise<unknown> {
  return cluster.during(cluster.at(0).suspensions.suspend({ ...request(target), ...more }));
}

function request(target: 'Container/web' | 'Container/other' | 'Alias/nginx' | 'all') {
  return { target, who: 'ann' };
}

describe('a suspension', () => {
  it('is in force on all nodes within a second, and over until it is resumed', async () => {
    await suspend('Container/web', { note: 'disk is changed' });
    await cluster.clock.advanceAsync(900);
    expect(object('Container/web')).toMatchObject({
      condition: { type: 'Suspended', message: 'by ann; as declared: running' },
      suspended: { who: 'ann', note: 'disk is changed', release: 'ovr resume container web' },
    });
    expect(object('Container/other')?.condition.type).toBe('Ready');
    expect(cluster.at(1).reconciler.status().converged).toBe(true);
    cluster.world.host(1).hand.stop('web');
    cluster.world.host(1).hand.stop('other');
    await cluster.clock.advanceAsync(120_000);
    expect([isRunning('web'), isRunning('other')]).toEqual([false, true]);
    expect(object('Container/web')).toMatchObject({
      condition: { type: 'Suspended', message: 'by ann; differs: state' },
      causes: [{ reason: 'NotRunning', drift: true }],
    });
    expect(cluster.at(1).reconciler.status().converged).toBe(false);
    await cluster.during(cluster.at(1).suspensions.release('Container/web'));
    await cluster.clock.advanceAsync(900);
    expect(isRunning('web')).toBe(true);
    expect(object('Container/web')?.suspended).toBeUndefined();
  });

  it('of all removes nothing, and ends as a whole', async () => {
    await suspend('Container/web');
    await suspend('all', { note: 'migration' });
    cluster.declare();
    await cluster.clock.advanceAsync(120_000);
    expect([isRunning('web'), isRunning('other')]).toEqual([true, true]);
    expect(object('Container/other')?.condition).toMatchObject({
      type: 'Suspended',
      message: 'by ann; no manifest declares it, so it goes once it is resumed',
    });
    expect(cluster.at(1).reconciler.status().prune.held).toBe(false);
    const { released, remaining } = await cluster.during(cluster.at(0).suspensions.release('Container/web'));
    expect([released.map(({ id }) => id), remaining?.id]).toEqual([['suspend/Container/web'], 'suspend']);
    await cluster.clock.advanceAsync(60_000);
    expect(isRunning('web')).toBe(true);
    await cluster.during(cluster.at(1).suspensions.suspend(request('Container/web')));
    const over = await cluster.during(cluster.at(0).suspensions.release('all'));
    expect(over.released.map(({ id }) => id)).toEqual(['suspend', 'suspend/Container/web']);
    expect(cluster.at(0).cluster.holds.list()).toEqual([]);
  });

  it('of an alias leaves its holders as they are, and forbids to switch it', async () => {
    await suspend('Alias/nginx');
    cluster.declare(ovr0, web, other, alias('nginx', { selector: { app: 'other' } }));
    await cluster.clock.advanceAsync(60_000);
    const holders = (): string[] =>
      object('Alias/nginx') === undefined
        ? []
        : (cluster.at(1).reconciler.status().aliases[0]?.holders ?? []).flatMap(({ container: name, has }) =>
            has ? [name] : [],
          );
    expect(holders()).toEqual(['web']);
    const switching = cluster
      .at(0)
      .switches.switchAlias({ alias: 'nginx', labels: { app: 'web' }, who: 'bob' });
    await expect(cluster.during(switching)).rejects.toThrow(
      'Alias nginx is suspended by ann, so nothing would move: ovr resume alias nginx first',
    );
    await cluster.during(cluster.at(0).suspensions.release('Alias/nginx'));
    await cluster.clock.advanceAsync(10_000);
    expect(holders()).toEqual(['other']);
  });

  it('for a while ends by itself', async () => {
    await suspend('all', { forMs: 30_000 });
    cluster.world.host(1).hand.stop('web');
    await cluster.clock.advanceAsync(29_000);
    expect(isRunning('web')).toBe(false);
    await cluster.clock.advanceAsync(3_000);
    expect(isRunning('web')).toBe(true);
  });

  it('asked for again says whose it is, and takes its place only with something new', async () => {
    await suspend('Container/web');
    const again = { target: 'Container/web', who: 'bob' } as const;
    const same = await cluster.during(cluster.at(1).suspensions.suspend(again));
    expect([same.hold.who, same.before?.who]).toEqual(['ann', 'ann']);
    const other = await cluster.during(cluster.at(1).suspensions.suspend({ ...again, note: 'still' }));
    expect([other.hold.who, other.before?.who]).toEqual(['bob', 'ann']);
  });

  it('of what is not there is refused, and one that is left behind is shown with its mend', async () => {
    const unknown = { target: 'Container/webb', who: 'ann' } as const;
    await expect(cluster.at(1).suspensions.suspend(unknown)).rejects.toThrow(
      'there is no Container webb in the manifests or on this node; did you mean web?',
    );
    await expect(cluster.at(1).suspensions.release('Container/webb')).rejects.toThrow('did you mean web?');
    expect(await cluster.at(1).suspensions.release('Container/web')).toEqual({ released: [] });
    await suspend('Alias/nginx');
    cluster.declare(ovr0, web, other);
    await cluster.clock.advanceAsync(5_000);
    expect(cluster.at(1).reconciler.status().holds).toMatchObject([
      {
        id: 'suspend/Alias/nginx',
        kind: 'suspend',
        problem: 'no manifest declares Alias nginx, and this node has nothing of it',
        release: 'ovr resume alias nginx',
      },
    ]);
  });
});
