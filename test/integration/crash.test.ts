import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { container, network, startNode, type Document, type LiveNode, undoAfterAll } from '../build/live.ts';
import { startLab, type LabHost } from '../lab/lab.ts';
import { run } from '../lab/run.ts';

const ROUNDS = 5;
const KILLS_A_ROUND = 3;
/** About as long as a generation takes to be made. */
const LONGEST_LIFE_MS = 1_500;
/** Print another one, or set TEST_SEED, to look at other moments. */
const SEED = Number(process.env['TEST_SEED'] ?? 20260101);

let host: LabHost;
const undo = undoAfterAll();

beforeAll(async () => {
  const lab = await startLab({ topology: 'single', name: 'it-crash' });
  undo(() => lab.down());
  host = lab.hosts[0]!;
});

/** A small generator of equal numbers for an equal seed (a linear congruence), in [0, 1). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

/** Generation `n` of the manifests: each one replaces, adds and removes containers and networks. */
function generation(n: number): Document[] {
  const own = (name: string, on: string, spec: Document['spec'] = {}): Document =>
    container(name, {
      networks: [{ name: on, aliases: [`a${n}`] }],
      env: [{ name: 'GENERATION', value: String(n) }],
      ...spec,
    });
  const turn = n % 2 === 0 ? 'even' : 'odd';
  return [
    network('net', { driver: 'bridge' }),
    network(turn, { driver: 'bridge' }),
    own('c0', 'net'),
    own('c1', 'net', { updateStrategy: { type: 'StartFirst', drain: '200ms' } }),
    own(`${turn}-1`, turn),
  ];
}

/** What there is, in a form to compare. */
async function summary(node: LiveNode): Promise<unknown> {
  const names = await node.docker.containerNames();
  const containers = await Promise.all(
    names.map(async (name) => {
      const { State, Config, NetworkSettings } = await node.docker.mustInspect(name);
      const on = Object.entries(NetworkSettings.Networks).map(([network, { Aliases }]) => [
        network,
        ...(Aliases ?? []).filter((alias) => /^a\d+$/.test(alias)),
      ]);
      return {
        name,
        state: State.Status,
        env: Config.Env.filter((line) => line.startsWith('GENERATION')),
        on,
      };
    }),
  );
  return { containers, networks: (await node.docker.networks()).map(({ Name }) => Name).sort() };
}

function expected(n: number): unknown {
  const turn = n % 2 === 0 ? 'even' : 'odd';
  const places = [['c0', 'net'] as const, ['c1', 'net'] as const, [`${turn}-1`, turn] as const];
  const containers = places.map(([name, on]) => {
    return { name, state: 'running', env: [`GENERATION=${n}`], on: [[on, `a${n}`]] };
  });
  return { containers, networks: ['net', turn].sort() };
}

test(`kill -9 at ${ROUNDS * KILLS_A_ROUND} random moments (seed ${SEED}) loses nothing, doubles nothing, leaves nothing over`, async () => {
  const random = generator(SEED);
  const folder = await mkdtemp(join(tmpdir(), 'ovr-crash-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const node = await startNode({ host, folder });
  for (let round = 0; round < ROUNDS; round += 1) {
    await node.offer('all.yaml', ...generation(round));
    for (let kill = 0; kill < KILLS_A_ROUND; kill += 1) {
      await delay(random() * LONGEST_LIFE_MS);
      await node.ovrd.end('SIGKILL');
      await node.startAgain();
    }
    await node.converged();
    // What no manifest names any more may go a moment later.
    await node.eventually(
      'nothing is left over',
      async () => (await node.docker.containerNames()).length === 3,
    );
    await node.eventually('no network is left over', async () => (await node.docker.networks()).length === 2);
    expect(await summary(node), `round ${round}`).toEqual(expected(round));
  }
}, 240_000);

describe('SIGTERM', () => {
  test('ends ovrd soon and leaves every container as it is', async () => {
    const node = await startNode({ host });
    await node.declare('all.yaml', ...generation(0));
    const before = await Promise.all(['c0', 'c1'].map((name) => node.docker.mustInspect(name)));
    const began = performance.now();
    expect(await node.ovrd.end('SIGTERM')).toBe(0);
    expect(performance.now() - began).toBeLessThan(10_000);
    const after = await Promise.all(['c0', 'c1'].map((name) => node.docker.mustInspect(name)));
    expect(after.map(({ Id, State }) => [Id, State.StartedAt])).toEqual(
      before.map(({ Id, State }) => [Id, State.StartedAt]),
    );
  });
});

test('SIGTERM in the middle of a replacement: ended soon, and finished by the next ovrd', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ovr-crash-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const node = await startNode({ host, folder });
  await node.declare('all.yaml', ...generation(0));
  const mark = await node.mark();
  await node.offer('all.yaml', ...generation(2));
  await node.eventually('the replacement has begun', async () => (await node.steps(mark)).length > 0);
  const began = performance.now();
  expect(await node.ovrd.end('SIGTERM')).toBe(0);
  expect(performance.now() - began).toBeLessThan(12_000);
  await node.startAgain();
  await node.converged();
  expect(await summary(node)).toEqual(expected(2));
});

describe('a second ovrd', () => {
  test('on the same socket refuses with a clear message and does nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ovr-second-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const node = await startNode({ host, folder });
    await node.declare('all.yaml', ...generation(1));
    const mark = await node.mark();
    const args = [
      'cmd/ovrd/main.ts',
      '--docker-host',
      `unix://${host.socket}`,
      '--manifests',
      join(folder, 'empty'),
    ];
    const rest = ['--socket', node.ovrd.socket, '--state-dir', join(folder, 'other'), '--listen', 'none'];
    const second = await run([process.execPath, ...args, ...rest], { timeoutMs: 20_000 });
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/another ovrd|already|in use/i);
    expect(await node.steps(mark)).toEqual([]);
    expect(await summary(node)).toEqual(expected(1));
  });
});
