import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { container, network, startNode, testFolder, undoAfterAll } from '../build/live.ts';
import { startLab, type LabHost } from '../lab/lab.ts';

let host: LabHost;
const undo = undoAfterAll();

beforeAll(async () => {
  const lab = await startLab({ topology: 'single', name: 'it-ownership' });
  undo(() => lab.down());
  host = lab.hosts[0]!;
});

const RUN = ['run', '--detach', '--name'];
const SLEEP = ['busybox', 'sleep', '100000'];

/** Labels that say an object belongs to an ovr cluster. */
function ownerLabels(cluster: string, kind: string, name: string): string[] {
  const labels = { cluster, kind, name, 'spec-hash': 'feed' };
  return Object.entries(labels).flatMap(([key, value]) => ['--label', `ovr.${key}=${value}`]);
}

/** Everything somebody else may have on a host that looks like what ovr is told to make. */
async function makeForeign(): Promise<{ containers: string[]; networks: string[] }> {
  const docker = (...args: string[]): Promise<string> => host.docker(args);
  const networks = [
    await docker('network', 'create', 'same-name'),
    await docker(
      'network',
      'create',
      ...ownerLabels('other', 'Network', 'of-other-cluster'),
      'of-other-cluster',
    ),
    await docker(
      'network',
      'create',
      ...ownerLabels('default', 'Network', 'something-else'),
      'inherited-labels',
    ),
    await docker('network', 'create', '--label', 'ovr.cluster=default', 'half-labelled'),
  ];
  const running = await docker(...RUN, 'running', '--network', 'same-name', ...SLEEP);
  const stopped = await docker(...RUN, 'stopped', ...SLEEP);
  await docker('stop', '--time', '0', 'stopped');
  const paused = await docker(...RUN, 'paused', ...SLEEP);
  await docker('pause', 'paused');
  const created = await docker('create', '--name', 'created', ...SLEEP);
  const other = await docker(...RUN, 'of-other', ...ownerLabels('other', 'Container', 'of-other'), ...SLEEP);
  const compose = await docker(...RUN, 'compose-1', '--label', 'com.docker.compose.project=shop', ...SLEEP);
  return { containers: [running, stopped, paused, created, other, compose], networks };
}

/** `docker inspect` of all of them, as it is. */
async function snapshot(foreign: { containers: string[]; networks: string[] }): Promise<unknown> {
  const containers: unknown = JSON.parse(await host.docker(['inspect', ...foreign.containers]));
  const networks: unknown = JSON.parse(await host.docker(['network', 'inspect', ...foreign.networks]));
  return { containers, networks };
}

test('whatever is declared, changed and deleted, nothing foreign changes by a byte', async () => {
  const foreign = await makeForeign();
  const manifests = await testFolder('manifests');
  let node = await startNode({ host, manifests });
  const own = network('own', { driver: 'bridge' });
  const names = ['running', 'stopped', 'paused', 'created', 'compose-1'];
  await node.offer(
    'all.yaml',
    network('same-name', { driver: 'bridge' }),
    network('of-other-cluster', { driver: 'bridge' }, { 'ovr/adopt': 'true' }),
    network('half-labelled', { driver: 'bridge' }),
    own,
    ...names.map((name) => container(name, { networks: ['own'] })),
    container('of-other', {}, { 'ovr/adopt': 'true' }),
    container('mine', { networks: ['own'], volumes: ['kept-data:/data'] }),
  );
  await node.shows('Container/mine', /^Ready/);
  // An image made of an owned container hands its labels on to whoever runs it.
  await host.docker(['commit', 'mine', 'inherited']);
  foreign.containers.push(await host.docker([...RUN, 'grandchild', 'inherited', 'sleep', '100000']));
  foreign.containers.push(await host.docker([...RUN, 'on-own-network', '--network', 'own', ...SLEEP]));
  const before = await snapshot(foreign);
  for (const name of [...names, 'of-other']) await node.shows(`Container/${name}`, /^Conflict/);
  for (const name of ['same-name', 'of-other-cluster', 'half-labelled']) {
    await node.shows(`Network/${name}`, /^Conflict/);
  }
  expect(await snapshot(foreign)).toEqual(before);

  // Changed: a replacement, a repair, and a network that somebody else is on.
  const changed = container('mine', { volumes: ['kept-data:/data'], env: [{ name: 'A', value: '2' }] });
  await node.offer('all.yaml', own, changed, container('running', { image: 'nginx:1.27' }));
  await node.shows('Container/mine', /^Ready/);
  expect((await node.docker.mustInspect('mine')).Config.Env).toContain('A=2');
  await host.docker(['kill', 'mine']);
  await node.eventually('it runs again', async () =>
    (await node.docker.containerNames('running')).includes('mine'),
  );
  const moved = network('own', { driver: 'bridge', internal: true }, { 'ovr/recreate': 'true' });
  await node.offer('all.yaml', moved, changed);
  await node.shows('Network/own', /^NeedsRecreate: .*on-own-network/);
  await node.lookAgain();
  expect(await node.docker.containerNames()).not.toContain('mine.ovr-old');
  expect(await snapshot(foreign)).toEqual(before);

  // An ovrd that remembers nothing.
  await node.ovrd.stop();
  node = await startNode({ host, manifests });
  await node.shows('Container/mine', /^Ready/);
  expect(await snapshot(foreign)).toEqual(before);

  await rm(join(manifests, 'all.yaml'));
  await node.eventually('removals are held', async () => (await node.status()).prune.held);
  expect(await node.docker.containerNames()).toContain('mine');
  expect([...(await node.ovrd.client.confirmPrune())].sort()).toEqual(['Container/mine', 'Network/own']);
  await node.eventually('what is owned goes', async () => {
    return !(await node.docker.containerNames()).includes('mine');
  });
  await node.shows('Network/own', /^Waiting: .*on-own-network/);
  expect(await snapshot(foreign)).toEqual(before);
  expect(await host.docker(['volume', 'ls', '--quiet'])).toContain('kept-data');
});
