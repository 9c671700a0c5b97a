import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type LiveCluster, openCluster } from '../build/live-cluster.ts';
import { container, type LiveNode, manifest, network, pings, place, undoAfterAll } from '../build/live.ts';
import { OverlayStore } from '../lab/overlay-store.ts';

const undo = undoAfterAll();
let cluster: LiveCluster;
let first: LiveNode;
let second: LiveNode;

beforeAll(async () => {
  // A node that is away for a moment must not be given up.
  cluster = await openCluster({
    name: 'it-heal-kv',
    hosts: 2,
    sessionTimeoutMs: 4_000,
    nodeLostAfterMs: 300_000,
  });
  undo(() => cluster.close());
  await place(cluster.manifests, 'all.yaml', manifest(network('ovr0'), pinned('steady', 0)));
  [first, second] = [await cluster.start(0), await cluster.start(1)];
  await cluster.converged();
});

function pinned(name: string, at: 0 | 1): ReturnType<typeof container> {
  const nodeConstraint = `node==${cluster.lab.hosts[at]!.name}`;
  return container(name, { nodeConstraint, networks: [{ name: 'ovr0', aliases: [`${name}-alias`] }] });
}

/** Leaves an endpoint in the store. Returns its ID. */
async function leaveEndpoint(name: string): Promise<string> {
  return store().leaveEndpoint(await networkId(), name);
}

/** The IDs of the endpoints of that name in the store. */
async function endpoints(name: string): Promise<string[]> {
  return store().endpoints(await networkId(), name);
}

function store(): OverlayStore {
  return new OverlayStore(cluster.lab.hosts[0]!.ip);
}

async function networkId(): Promise<string> {
  const [{ Id } = { Id: '' }] = await first.docker.networksNamed('ovr0');
  return Id;
}

interface Shown {
  readonly Containers?: Readonly<Record<string, { readonly Name: string }>>;
}

async function networkAsSeenBy(node: LiveNode): Promise<Shown> {
  const text = await node.docker.raw(`/networks/${await networkId()}`);
  return JSON.parse(text ?? '{}') as Shown;
}

async function healed(node: LiveNode, key: string): Promise<readonly string[]> {
  return ((await node.object(key))?.heals ?? []).map(({ playbook }) => playbook);
}

describe('an endpoint of a container’s name in the store', () => {
  test('that no host holds: removed by the word of all, and the container attached', async () => {
    const left = await leaveEndpoint('web');
    await place(cluster.manifests, 'web.yaml', manifest(pinned('web', 1)));
    await second.shows('Container/web', /^Ready/);
    expect(await endpoints('web')).not.toContain(left);
    expect(await healed(second, 'Container/web')).toContain('stale-endpoint');
    expect(await pings(first.host, 'steady', 'web-alias')).toBe(true);
    const [heal] = (await second.object('Container/web'))?.heals ?? [];
    expect(heal?.saw).toContain(`by the word of this engine and ${first.host.name}`);
  });

  test('of a foreign container that runs on another host: told whose it is, and not touched', async () => {
    await first.host.docker([
      'run',
      '--detach',
      '--name',
      'taken',
      '--network',
      'ovr0',
      'busybox',
      'sleep',
      '1000',
    ]);
    const before = await first.docker.raw('/containers/taken/json');
    const held = await endpoints('taken');
    // The other daemon shows it as it shows one that nobody holds.
    const { Containers = {} } = await networkAsSeenBy(second);
    const shown = Object.entries(Containers).filter(([, { Name }]) => Name === 'taken');
    expect(shown.map(([key]) => key)).toEqual(held.map((id) => `ep-${id}`));
    await place(cluster.manifests, 'taken.yaml', manifest(pinned('taken', 1)));
    await second.shows('Container/taken', new RegExp(`container taken .* on node ${first.host.name}`));
    await second.shows('Container/taken', /^Stalled/);
    expect(await endpoints('taken')).toEqual(held);
    expect(await first.docker.raw('/containers/taken/json')).toBe(before);
    expect(await pings(first.host, 'steady', 'taken')).toBe(true);
    await second.withdraw('taken.yaml');
    await first.host.docker(['rm', '--force', 'taken']);
  });

  test('while a node that may hold it is away: left alone until it is back', async () => {
    await first.ovrd.stop();
    await second.eventually('the other is away', async () => {
      const { nodes } = await second.ovrd.client.cluster();
      return nodes.every(({ name, state }) => name !== first.host.name || state !== 'up');
    });
    const left = await leaveEndpoint('late');
    await place(cluster.manifests, 'late.yaml', manifest(pinned('late', 1)));
    await second.shows('Container/late', new RegExp(`${first.host.name} is away and cannot say whose it is`));
    expect(await endpoints('late')).toEqual([left]);
    first = await cluster.start(0);
    await second.eventually(
      'it is healed',
      async () => (await healed(second, 'Container/late')).includes('stale-endpoint'),
      90_000,
    );
    await cluster.converged();
    expect(await endpoints('late')).not.toContain(left);
  });
});

test('a network that a foreign container still uses: told by whom, nothing forced, and removed once that has left', async () => {
  await first.offer('gone.yaml', network('gone0'));
  await first.shows('Network/gone0', /^Ready/);
  await cluster.converged();
  const [{ Id } = { Id: '' }] = await first.docker.networksNamed('gone0');
  const guest = ['run', '--detach', '--name', 'guest', '--network', 'gone0', 'busybox', 'sleep', '1000'];
  await second.host.docker(guest);
  onTestFinished(async () => {
    await second.host.exec(['docker', 'rm', '--force', 'guest']);
  });
  const before = await second.docker.raw('/containers/guest/json');
  await first.withdraw('gone.yaml');
  await first.shows('Network/gone0', /^Waiting: .*used elsewhere, or left over, by guest/);
  await second.shows('Network/gone0', /guest/);
  expect((await first.docker.networksNamed('gone0')).map(({ Id: id }) => id)).toEqual([Id]);
  expect(await second.docker.raw('/containers/guest/json')).toBe(before);
  // The agent beside the guest would see it leave and be the first to remove the network, without having tried in vain.
  await second.ovrd.stop();
  await second.host.docker(['rm', '--force', 'guest']);
  await first.eventually('it is gone', async () => (await first.docker.networksNamed('gone0')).length === 0);
  await first.eventually('it is told as healed', async () => {
    const events = await first.ovrd.client.events(0);
    return events.some(({ key, playbook }) => key === 'Network/gone0' && playbook === 'await-removal');
  });
  second = await cluster.start(1);
  await cluster.converged();
});
