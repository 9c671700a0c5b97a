import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  container,
  network,
  openNode,
  place,
  testFolder,
  type Document,
  type LiveNode,
  undoAfterAll,
} from '../build/live.ts';
import { startLab, type LabHost } from '../lab/lab.ts';

let host: LabHost;
const undo = undoAfterAll();
/** One ovrd for all tests; each has a container of its own. */
let node: LiveNode;
let counter = 0;

beforeAll(async () => {
  const lab = await startLab({ topology: 'single', name: 'it-update' });
  undo(() => lab.down());
  host = lab.hosts[0]!;
  node = await openNode({ host });
  undo(() => node.close());
  await node.declare('net0.yaml', network('net0', { driver: 'bridge', ipam: { subnet: '10.79.0.0/24' } }));
});

/** What tells one run of a container from another. */
interface Identity {
  readonly id: string;
  readonly startedAt: string;
  readonly address: string | undefined;
}

/** A container that one test makes and changes. */
class Subject {
  readonly name = `web-${++counter}`;
  readonly file = `${this.name}.yaml`;
  readonly #spec: Document['spec'];

  constructor(spec: Document['spec']) {
    this.#spec = { networks: ['net0'], ...spec };
  }

  change(changes: Document['spec']): Promise<void> {
    return node.offer(this.file, container(this.name, { ...this.#spec, ...changes }));
  }

  async identity(): Promise<Identity> {
    const { Id, State, NetworkSettings } = await node.docker.mustInspect(this.name);
    return { id: Id, startedAt: State.StartedAt, address: NetworkSettings.Networks['net0']?.IPAddress };
  }

  /** All containers that have anything to do with it. */
  async relatives(): Promise<string[]> {
    return (await node.docker.containerNames()).filter((name) => name.startsWith(this.name));
  }
}

async function running(spec: Document['spec'] = {}): Promise<{ web: Subject; before: Identity }> {
  const web = new Subject(spec);
  await web.change({});
  await node.converged();
  return { web, before: await web.identity() };
}

describe('what Docker can change in place', () => {
  const limits = { cpu: '0.5', memory: '64Mi' };

  test.each([
    [
      'restart policy',
      { restartPolicy: 'on-failure:2' },
      { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } },
    ],
    ['CPU limit', { resources: { limits: { ...limits, cpu: '0.25' } } }, { NanoCpus: 250_000_000 }],
    ['more memory', { resources: { limits: { ...limits, memory: '256Mi' } } }, { Memory: 256 * 1024 * 1024 }],
    ['less memory', { resources: { limits: { ...limits, memory: '32Mi' } } }, { Memory: 32 * 1024 * 1024 }],
  ])('%s: the container goes on', async (_, changes, expected) => {
    const { web, before } = await running({ resources: { limits } });
    await web.change(changes);
    await node.converged();
    expect((await node.docker.mustInspect(web.name)).HostConfig).toMatchObject(expected);
    expect(await web.identity()).toEqual(before);
  });

  test('changed by hand: put back', async () => {
    const { web, before } = await running({ resources: { limits } });
    const settings = async (): Promise<string> => {
      const { HostConfig } = await node.docker.mustInspect(web.name);
      return JSON.stringify([HostConfig['NanoCpus'], HostConfig['RestartPolicy']]);
    };
    const good = await settings();
    const mark = await node.mark();
    await host.docker(['update', '--restart', 'no', '--cpus', '0.75', web.name]);
    await node.eventually('both are back', async () => (await settings()) === good);
    await node.converged();
    expect(await web.identity()).toEqual(before);
    expect((await node.steps(mark)).every(({ cause }) => cause?.drift)).toBe(true);
  });
});

describe('what needs another container', () => {
  test('a new image replaces it and keeps the address', async () => {
    const { web, before } = await running();
    await web.change({ image: 'nginx:1.27' });
    await node.converged();
    const after = await web.identity();
    expect(after.id).not.toBe(before.id);
    expect(after.address).toBe(before.address);
    expect((await node.docker.mustInspect(web.name)).Config.Image).toBe('nginx:1.27');
    expect(await web.relatives()).toEqual([web.name]);
  });

  test.each([
    ['a program that is not there', { command: ['no-such-program'] }],
    ['a program that ends at once', { command: ['false'], args: [] }],
    ['a port that is taken', { ports: ['8077:80'] }],
    [
      'an address that is taken',
      { networks: [{ name: 'net0', ipv4Address: '10.79.0.99' }], env: [{ name: 'A', value: 'b' }] },
    ],
  ])('%s: the old one is put back', async (_, changes) => {
    const { web, before } = await running();
    const taker = ['--name', 'taker', '--publish', '8077:80', '--network', 'net0', '--ip', '10.79.0.99'];
    await host.docker(['run', '--detach', ...taker, 'busybox', 'sleep', '1000']);
    onTestFinished(() => void host.docker(['rm', '--force', 'taker']));
    await web.change(changes);
    const key = `Container/${web.name}`;
    await node.shows(key, /^UpdateFailed: the update failed: .*the old container stays/);
    await node.lookAgain();
    const after = await web.identity();
    expect({ ...after, startedAt: before.startedAt }).toEqual(before);
    expect(await node.docker.containerNames('running')).toContain(web.name);
    expect(await web.relatives()).toEqual([web.name]);
    expect((await node.status()).converged).toBe(false);

    await web.change({ env: [{ name: 'MENDED', value: 'yes' }] });
    await node.converged();
    expect((await node.docker.mustInspect(web.name)).Config.Env).toContain('MENDED=yes');
    expect(await web.relatives()).toEqual([web.name]);
  });

  test('an image that is nowhere: the old one is not touched', async () => {
    const { web, before } = await running();
    await web.change({ image: 'nowhere.invalid/web:2' });
    await node.shows(`Container/${web.name}`, /^Failed: .*nowhere\.invalid\/web:2/);
    expect(await web.identity()).toEqual(before);
    await web.change({});
    await node.converged();
    expect(await web.identity()).toEqual(before);
  });
});

test('a container moves to another network without a restart', async () => {
  const { web, before } = await running();
  await node.offer('net1.yaml', network('net1', { driver: 'bridge' }));
  const networks = async (): Promise<string[]> =>
    Object.keys((await node.docker.mustInspect(web.name)).NetworkSettings.Networks).sort();
  await web.change({ networks: ['net0', 'net1'] });
  await node.converged();
  expect(await networks()).toEqual(['net0', 'net1']);
  await web.change({ networks: ['net1'] });
  await node.converged();
  expect(await networks()).toEqual(['net1']);
  expect(await web.identity()).toEqual({ ...before, address: undefined });
});

describe('a container that is meant to end', () => {
  test.each([
    ['well: Completed, and not run again', 'true', /^Completed/],
    ['badly: Failed, with what to look at', 'false', /^Failed: ended with exit code 1 .*docker logs/],
  ])('ends %s', async (_, command, condition) => {
    const job = new Subject({ command: [command], args: [], restartPolicy: 'no', networks: [] });
    await job.change({});
    await node.shows(`Container/${job.name}`, condition);
    const before = await job.identity();
    await node.lookAgain();
    await node.lookAgain();
    expect(await job.identity()).toEqual(before);
    await node.withdraw(job.file);
    await node.converged();
    expect(await job.relatives()).toEqual([]);
  });
});

test('a value file that is not there yet is waited for', async () => {
  const folder = await testFolder('values');
  const file = join(folder, 'secret');
  const web = new Subject({ env: [{ name: 'SECRET', valueFrom: { file } }] });
  await web.change({});
  await node.shows(`Container/${web.name}`, /^Waiting: cannot read the value file/);
  expect(await web.relatives()).toEqual([]);
  await writeFile(file, 'hush\n');
  await node.converged();
  expect((await node.docker.mustInspect(web.name)).Config.Env).toContain('SECRET=hush');
});

test('a value file that holds something else replaces the container, once, and no hash without a key is told', async () => {
  const folder = await testFolder('values');
  const env = [{ name: 'SECRET', valueFrom: { file: join(folder, 'secret') } }];
  await place(folder, 'secret', 'first-and-hushed\n');
  const { web, before } = await running({ env, labels: { mine: 'kept' } });
  const inspect = async (): Promise<Awaited<ReturnType<typeof node.docker.mustInspect>>['Config']> =>
    (await node.docker.mustInspect(web.name)).Config;
  const made = await inspect();
  expect(made.Labels['ovr.secret-hash']).toMatch(/^[0-9a-f]{16} SECRET=[0-9a-f]{32}$/);

  const mark = await node.mark();
  await place(folder, 'secret', 'second-and-hushed\n');
  const creates = async (): Promise<number> =>
    (await node.steps(mark)).filter(({ action }) => action === 'CreateContainer').length;
  await node.eventually('a new one is made', async () => {
    await node.ovrd.client.resync();
    return (await creates()) > 0;
  });
  await node.converged();
  const after = await inspect();
  expect(after.Env).toContain('SECRET=second-and-hushed');
  expect(after.Labels).toEqual({ ...made.Labels, 'ovr.secret-hash': after.Labels['ovr.secret-hash'] });
  expect(after.Labels['ovr.secret-hash']).not.toBe(made.Labels['ovr.secret-hash']);
  expect(after.Labels['ovr.secret-hash']?.split(' ')[0]).toBe(made.Labels['ovr.secret-hash']?.split(' ')[0]);
  const now = await web.identity();
  expect([now.id === before.id, now.address === before.address]).toEqual([false, true]);
  for (let look = 0; look < 3; look += 1) await node.lookAgain();
  expect([await web.identity(), await creates(), await web.relatives()]).toEqual([now, 1, [web.name]]);

  const shown = [await node.ovrd.log(), await node.status(), await node.ovrd.client.events(0)];
  const told = JSON.stringify([...shown, made.Labels, after.Labels]);
  const texts = ['first-and-hushed', 'second-and-hushed'].flatMap((text) => [text, `${text}\n`]);
  const hashes = ['sha256', 'sha1', 'md5'].flatMap((algorithm) =>
    texts.map((text) => createHash(algorithm).update(text).digest('hex').slice(0, 16)),
  );
  expect(told).toContain(web.name);
  expect([...texts.map((text) => text.trim()), ...hashes].filter((part) => told.includes(part))).toEqual([]);
});

test('an open TCP connection outlives a change of aliases', async () => {
  const { web, before } = await running({ command: ['nc'], args: ['-ll', '-p', '22', '-e', 'cat'] });
  await node.declare('client.yaml', container('client', { networks: ['net0'] }));
  const talk = host.spawn(['docker', 'exec', '--interactive', 'client', 'nc', web.name, '22'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  onTestFinished(() => void talk.kill());
  const lines = createInterface({ input: talk.stdout! });
  const echo = async (word: string): Promise<unknown> => {
    const answer = once(lines, 'line', { signal: AbortSignal.timeout(20_000) });
    talk.stdin!.write(`${word}\n`);
    return (await answer)[0] as unknown;
  };
  expect(await echo('before')).toBe('before');
  await web.change({ networks: [{ name: 'net0', aliases: ['site'] }] });
  await node.converged();
  const { Networks } = (await node.docker.mustInspect(web.name)).NetworkSettings;
  expect(Networks['net0']?.Aliases).toContain('site');
  expect(await web.identity()).toEqual(before);
  expect(await echo('after')).toBe('after');
});

test('a changed Network needs ovr/recreate, which tells who would lose it', async () => {
  const old = { driver: 'bridge', ipam: { subnet: '10.80.0.0/24' } };
  const moved = { driver: 'bridge', ipam: { subnet: '10.81.0.0/24' } };
  await node.offer('moved.yaml', network('moved', old));
  const { web, before } = await running({ networks: ['moved'] });
  const [made] = await node.docker.networksNamed('moved');

  await node.offer('moved.yaml', network('moved', moved));
  await node.shows('Network/moved', new RegExp(`^NeedsRecreate: .*ovr/recreate.*${web.name}`));
  await node.lookAgain();
  expect((await node.docker.networksNamed('moved')).map(({ Id }) => Id)).toEqual([made?.Id]);
  expect(await web.identity()).toEqual(before);

  const mark = await node.mark();
  await node.declare('moved.yaml', network('moved', moved, { 'ovr/recreate': 'true' }));
  expect((await node.steps(mark)).filter(({ cause }) => cause?.drift)).toEqual([]);
  const { Networks } = (await node.docker.mustInspect(web.name)).NetworkSettings;
  expect(Networks['moved']?.IPAddress).toMatch(/^10\.81\.0\./);
  expect(await web.identity()).toEqual(before);
  const all = await node.docker.networksNamed('moved');
  expect(all.map(({ IPAM }) => IPAM.Config[0]?.Subnet)).toEqual(['10.81.0.0/24']);
});
