/**
 * A daemon one of whose threads is left in the network of an overlay that is gone, as Docker up to 20.10 leaves it when the last container leaves
 * the overlay. What that thread asks the store is not answered ("network is unreachable"), so now and then a list lacks every overlay, a start
 * fails half-way and an endpoint stays behind. Nobody asks the other hosts here: there is no coordinator.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { container, network, openNode, undoAfterAll, type LiveNode } from '../build/live.ts';
import { startLab, type Lab } from '../lab/lab.ts';
import { OverlayStore } from '../lab/overlay-store.ts';
import { until } from '../lab/run.ts';

let lab: Lab;
let node: LiveNode;
const undo = undoAfterAll();
const net = network('ovr0');

function store(): OverlayStore {
  return new OverlayStore(node.host.ip);
}

function web(spec: Readonly<Record<string, unknown>> = {}): ReturnType<typeof container> {
  return container('web', { networks: [{ name: 'ovr0', aliases: ['web-alias'] }], ...spec });
}

beforeAll(async () => {
  lab = await startLab({ topology: 'kv', hosts: 1, name: 'it-lost-thread' });
  undo(() => lab.down());
  const folder = await mkdtemp(join(tmpdir(), 'ovr-lost-thread-'));
  undo(() => rm(folder, { recursive: true, force: true }));
  node = await openNode({ host: lab.hosts[0]!, folder });
  undo(() => rm(node.manifests, { recursive: true, force: true }));
  undo(() => node.ovrd.stop());
  await node.declare('web.yaml', net, web());
  await node.host.docker(['network', 'create', '--driver', 'overlay', 'other']);
});

/** Threads of the daemon that are in another network than its own. */
function lostThreads(): number {
  const tasks = `/proc/${node.host.daemonPid() ?? 0}/task`;
  const networks = readdirSync(tasks).map((thread) => networkOf(`${tasks}/${thread}`));
  return networks.filter((found) => found !== undefined && found !== networkOf(`${tasks}/..`)).length;
}

/** Lets containers come and go, each the only one of an overlay. */
async function loseThread(): Promise<void> {
  await until('a lost thread', 60_000, async () => {
    // It may have lost one in the middle of this.
    await node.host.docker(['run', '--rm', '--network', 'other', 'busybox', 'true']).catch(() => undefined);
    return lostThreads() > 0 ? true : undefined;
  });
}

/** Of a process or a thread; undefined when it has ended meanwhile. */
function networkOf(folder: string): string | undefined {
  try {
    return readlinkSync(`${folder}/ns/net`);
  } catch {
    return undefined;
  }
}

/** Asks for lists side by side, so that the daemon needs new connections to its store. */
function keepAsking(): { stop(): Promise<unknown> } {
  let isOver = false;
  const ask = async (): Promise<void> => {
    while (!isOver) await node.docker.networksNamed('ovr0').catch(() => undefined);
  };
  const askers = [ask(), ask()];
  return {
    stop() {
      isOver = true;
      return Promise.all(askers);
    },
  };
}

/** What a service manager does: such a daemon also ends now and then, since it uses what it could not read. */
async function keepRunning(): Promise<void> {
  if (node.host.daemonPid() === undefined) await node.host.startDaemon();
}

async function replaced(round: number): Promise<void> {
  await node.offer('web.yaml', net, web({ env: [{ name: 'ROUND', value: `${round}` }] }));
  await node.eventually(
    `round ${round} runs`,
    async () => {
      await keepRunning();
      const found = await node.docker.container('web').catch(() => undefined);
      const isNew = found?.State.Status === 'running' && found.Config.Env.includes(`ROUND=${round}`);
      return isNew && (await node.status()).converged;
    },
    120_000,
  );
}

test('containers are replaced all the same, and what fails half-way is cleared away by the agent alone', async () => {
  const [{ Id } = { Id: '' }] = await node.docker.networksNamed('ovr0');
  await loseThread();
  const mark = await node.mark();
  const asking = keepAsking();
  onTestFinished(async () => {
    await asking.stop();
  });
  for (let round = 1; round <= 12; round += 1) await replaced(round);
  await asking.stop();
  const told = (await node.ovrd.client.events(mark)).map(({ message }) => message);
  expect(told.filter((message) => message.startsWith('UpdateFailed'))).toEqual([]);
  expect((await node.docker.containerNames()).filter((name) => name.startsWith('web'))).toEqual(['web']);
  const all = await until('a list with the overlay', 10_000, async () => {
    const found = await node.docker.networksNamed('ovr0');
    return found.length > 0 ? found : undefined;
  });
  expect(all.map((found) => found.Id)).toEqual([Id]);
  expect(await store().endpoints(Id, 'web')).toHaveLength(1);
});

test('an endpoint that a daemon has left of the agent’s own container is known after a restart of the agent, and removed', async () => {
  await node.host.restartDaemon();
  await node.converged();
  const [{ Id } = { Id: '' }] = await node.docker.networksNamed('ovr0');
  onTestFinished(async () => {
    await node.host.docker(['rm', '--force', 'model']);
  });
  // Something to copy the left one from.
  await node.host.docker([
    'run',
    '--detach',
    '--name',
    'model',
    '--network',
    'ovr0',
    'busybox',
    'sleep',
    '1000',
  ]);
  const [own = ''] = await store().endpoints(Id, 'web');
  await node.ovrd.end();
  await node.host.docker(['kill', 'web']);
  await until('the endpoint to go', 10_000, async () =>
    (await store().endpoints(Id, 'web')).length === 0 ? true : undefined,
  );
  await store().leaveEndpoint(Id, 'web', own);
  await node.startAgain();
  await node.converged();
  const { heals = [] } = (await node.object('Container/web')) ?? {};
  expect(heals.map(({ playbook, saw }) => `${playbook}: ${saw}`)).toContainEqual(
    expect.stringMatching(/^stale-endpoint: .*by the word of this engine, whose container had it/),
  );
  expect(await store().endpoints(Id, 'web')).not.toContain(own);
});
