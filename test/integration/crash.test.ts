import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { container, network, startNode, type Document, type LiveNode } from '../build/live.ts';
import { startLab, type Lab, type LabHost } from '../lab/lab.ts';
import { run } from '../lab/run.ts';
import { startOvrd } from '../tools/ovrd.ts';

const ROUNDS = 12;
const SEED = 20260101;

let lab: Lab;
let host: LabHost;

beforeAll(async () => {
  lab = await startLab({ topology: 'single', name: 'it-crash' });
  host = lab.hosts[0]!;
});
afterAll(() => lab.down());

/** A small generator of equal numbers for an equal seed (a linear congruence), in [0, 1). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

async function restarted(node: LiveNode, folder: string): Promise<void> {
  node.ovrd = await startOvrd({ dockerHost: `unix://${host.socket}`, manifests: node.manifests, folder });
}

/** What there is, without what differs from run to run. */
async function summary(node: LiveNode): Promise<unknown> {
  const names = (await node.docker.containerNames()).sort();
  const containers = await Promise.all(
    names.map(async (name) => {
      const { State, Config, NetworkSettings } = await node.docker.mustInspect(name);
      return {
        name,
        running: State.Status === 'running',
        env: Config.Env,
        networks: Object.keys(NetworkSettings.Networks).sort(),
      };
    }),
  );
  return { containers, networks: await host.docker(['network', 'ls', '--format', '{{.Name}}']) };
}

/** Generation `n` of the manifests: each one replaces, adds and removes something. */
function generation(n: number): Document[] {
  const own = (name: string): Document =>
    container(name, {
      networks: [{ name: 'net', aliases: [`a${n}`] }],
      env: [{ name: 'GENERATION', value: String(n) }],
    });
  const guest = n % 2 === 0 ? [own('even')] : [own('odd')];
  return [network('net', { driver: 'bridge' }), own('c0'), own('c1'), ...guest];
}

describe('kill -9', () => {
  test(`at ${ROUNDS} random moments (seed ${SEED}) loses nothing, doubles nothing and leaves nothing over`, async () => {
    const random = generator(SEED);
    const folder = await mkdtemp(join(tmpdir(), 'ovr-crash-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const node = await startNode({ host, folder });
    for (let round = 0; round < ROUNDS; round += 1) {
      await node.offer('all.yaml', ...generation(round));
      await delay(random() * 2_500);
      await node.ovrd.end('SIGKILL');
      await restarted(node, folder);
      await node.converged();
      const names = round % 2 === 0 ? ['c0', 'c1', 'even'] : ['c0', 'c1', 'odd'];
      await node.eventually('exactly what is declared', async () => {
        const found = (await node.docker.containerNames()).sort();
        return found.join() === names.join();
      });
      const state = await summary(node);
      expect(state, `round ${round}`).toMatchObject({
        containers: names.map((name) => ({ name, running: true, networks: ['net'] })),
        networks: expect.stringMatching(/^bridge\nhost\nnet\nnone$/) as string,
      });
      expect(JSON.stringify(state).match(/GENERATION=\d+/g)).toEqual(names.map(() => `GENERATION=${round}`));
    }
  });
});

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
    expect(await node.docker.containerNames()).toHaveLength(3);
  });
});
