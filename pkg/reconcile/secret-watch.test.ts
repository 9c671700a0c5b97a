import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { createTestAgent, startAgent, TestStore, type TestAgent } from '../../test/build/agent.ts';
import { container } from '../../test/build/objects.ts';
import { condition } from '../../test/build/simulated.ts';
import { FakeClock, OvrError, SECRET_HASH_LABEL } from '../api/index.ts';
import type { ContainerObject, ContainerSpec } from '../manifest/index.ts';
import type { HostKey, SecretKeeper, Secrets } from './ports.ts';
import { keyedInput } from './secret-watch.ts';
import { SimulatedWorld, type Program, type SimulatedHost } from './simulated/index.ts';

const FILE = '/run/secrets/token';
const env = [{ name: 'TOKEN', file: FILE }];
const vault = (spec: Partial<ContainerSpec> = {}): ContainerObject =>
  container('vault', { env, image: 'busybox', ...spec });
const hostKey = (secret: string): HostKey => ({
  id: createHmac('sha256', secret).update('id').digest('hex').slice(0, 16),
  hash: (text) => createHmac('sha256', secret).update(text).digest('hex').slice(0, 32),
});

/** Files, sops and the key of a host, as a test sets them. */
class Machine implements Secrets, SecretKeeper {
  readonly files = new Map<string, { text: string; changedMs: number; count: number }>();
  readonly opened = new Map<string, Record<string, string>>();
  secret: string | undefined;
  hangs = false;
  watched: string[] = [];
  ring: () => void = () => undefined;
  reads = 0;
  opens = 0;
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  write(text: string, path = FILE): void {
    const count = (this.files.get(path)?.count ?? 0) + 1;
    this.files.set(path, { text, changedMs: this.#clock.now(), count });
  }

  key(make: boolean): Promise<HostKey | undefined> {
    if (make) this.secret ??= 'made';
    return Promise.resolve(this.secret === undefined ? undefined : hostKey(this.secret));
  }

  stamp(path: string): ReturnType<SecretKeeper['stamp']> {
    if (this.hangs) return new Promise(() => undefined);
    const file = this.files.get(path);
    if (!file) return Promise.reject(this.#missing(path));
    return Promise.resolve({ stamp: String(file.count), changedMs: file.changedMs });
  }

  watch(paths: Iterable<string>, ring: () => void): void {
    this.watched = [...paths];
    this.ring = ring;
  }

  read(path: string): Promise<string> {
    const file = this.files.get(path);
    this.reads += 1;
    return file ? Promise.resolve(file.text) : Promise.reject(this.#missing(path));
  }

  open(sealed: string): Promise<ReadonlyMap<string, string>> {
    this.opens += 1;
    const values = this.opened.get(sealed);
    if (values) return Promise.resolve(new Map(Object.entries(values)));
    return Promise.reject(new OvrError('secret-unreadable', 'waiting', 'no key here opens it'));
  }

  #missing(path: string): OvrError {
    return new OvrError('secret-unreadable', 'waiting', `cannot read the value file ${path}: ENOENT`);
  }
}

const PROGRAMS: Readonly<Record<string, Program>> = { ends: { exitAfterMs: 100, exitCode: 3 } };
let clock: FakeClock;
let machine: Machine;
let world: SimulatedWorld;
let host: SimulatedHost;
let store: TestStore;
let agent: TestAgent;

const start = (): Promise<TestAgent> =>
  startAgent({ engine: host.engine, clock, store, secrets: machine, secretKeeper: machine });
const ids = (): string[] => host.observe().containers.map(({ name, id }) => `${name} ${id}`);
const label = (name = 'vault'): string =>
  host.observe().containers.find((each) => each.name === name)?.labels[SECRET_HASH_LABEL] ?? 'none';
const message = (key = 'Container/vault'): string | undefined =>
  agent.reconciler.status().objects.find((object) => object.key === key)?.condition.message;
const creates = (): number => host.calls.get('createContainer') ?? 0;

beforeEach(async () => {
  clock = new FakeClock();
  machine = new Machine(clock);
  world = new SimulatedWorld({
    clock,
    topology: 'single',
    images: ['busybox', 'ends'],
    programs: ({ image }) => PROGRAMS[image],
  });
  host = world.host();
  store = new TestStore();
  machine.write('first');
  agent = await start();
});

describe('a container with a value file', () => {
  beforeEach(async () => {
    agent.source.declare(vault());
    await agent.run(5_000);
    expect(condition(agent, 'Container/vault')).toBe('Ready');
  });

  it('carries a keyed hash, and stays while the file does, which is read no more', async () => {
    const [before, reads, observes] = [ids(), machine.reads, host.calls.get('observe') ?? 0];
    expect(label()).toMatch(/^[0-9a-f]{16} TOKEN=[0-9a-f]{32}$/);
    await agent.run(300_000);
    expect([ids(), machine.reads]).toEqual([before, reads]);
    expect((host.calls.get('observe') ?? 0) - observes).toBeLessThanOrEqual(6);
  });

  it('is replaced once, by the next resync, when the file holds something else', async () => {
    const [before, was] = [ids(), label()];
    machine.write('second');
    await agent.run(65_000);
    expect(condition(agent, 'Container/vault')).toBe('Ready');
    expect(ids()).not.toEqual(before);
    expect(label()).not.toBe(was);
    const after = ids();
    await agent.run(300_000);
    expect([ids(), creates()]).toEqual([after, 2]);
    const why = agent.reconciler.events(0).map((event) => event.message);
    expect(why.join('\n')).toContain(
      `env[TOKEN]: set → changed (SecretChanged); the content of ${FILE} has changed`,
    );
  });

  it('is replaced soon where a change of the file is told, and what is not there any more is not watched', async () => {
    machine.write('second');
    machine.ring();
    await agent.run(6_000);
    expect([message(), creates(), machine.watched]).toEqual(['running', 2, [FILE]]);
    agent.source.declare(container('other'));
    await agent.run(30_000);
    expect(machine.watched).toEqual([]);
  });

  it('is looked at now and then, however often it is told of', async () => {
    const looks = { count: 0 };
    const stamp = machine.stamp.bind(machine);
    machine.stamp = (path) => {
      looks.count += 1;
      return stamp(path);
    };
    for (let time = 0; time < 200; time += 1) {
      machine.ring();
      await agent.run(50);
    }
    expect(looks.count).toBeGreaterThanOrEqual(3);
    expect(looks.count).toBeLessThanOrEqual(7);
  });

  it('stays when the file is written again with the same content', async () => {
    const before = ids();
    machine.write('first');
    await agent.run(120_000);
    expect(ids()).toEqual(before);
  });

  it('is not replaced for what is half-written', async () => {
    const before = ids();
    agent.reconciler.resync();
    machine.write('');
    for (let written = 0; written < 10; written += 1) {
      await agent.run(900);
      machine.write('x'.repeat(written));
      agent.reconciler.resync();
    }
    machine.write('first');
    await agent.run(120_000);
    expect(ids()).toEqual(before);
  });

  it('stays while the file is away, says so, and is replaced once it is back with something else', async () => {
    const before = ids();
    machine.files.delete(FILE);
    await agent.run(120_000);
    expect(ids()).toEqual(before);
    expect(message()).toBe(
      `running; its secrets are not compared: cannot read the value file ${FILE}: ENOENT`,
    );
    expect(agent.reconciler.status().converged).toBe(true);
    machine.write('second');
    await agent.run(120_000);
    expect([message(), creates()]).toEqual(['running', 2]);
  });

  it('stays while a look at the file hangs, and says so', async () => {
    const before = ids();
    agent.reconciler.resync();
    await agent.reconciler.stop();
    machine.hangs = true;
    agent = createTestAgent({
      ...{ engine: host.engine, clock, store, secrets: machine, secretKeeper: machine },
    });
    await agent.source.start(() => agent.reconciler.sourceChanged());
    await agent.reconciler.start();
    agent.source.declare(vault());
    await agent.run(30_000);
    expect(ids()).toEqual(before);
    expect(message()).toBe(
      `running; its secrets are not compared: looking at ${FILE} takes longer than 10 s`,
    );
  });

  it('is replaced when the file has changed while the agent was away', async () => {
    await agent.reconciler.stop();
    machine.write('second');
    await clock.advanceAsync(60_000);
    agent = await start();
    agent.source.declare(vault());
    await agent.run(10_000);
    expect([message(), creates()]).toEqual(['running', 2]);
  });

  it.each([
    ['is gone', undefined, 'the key of this host that it was made with is gone'],
    ['is another', 'other', 'it was made with another key than this host has now'],
  ])('stays where the key %s, and says so', async (_, secret, why) => {
    const before = ids();
    await agent.reconciler.stop();
    machine.secret = secret;
    machine.write('second');
    await clock.advanceAsync(60_000);
    agent = await start();
    agent.source.declare(vault());
    await agent.run(120_000);
    expect(ids()).toEqual(before);
    expect(message()).toBe(`running; its secrets are not compared: ${why}`);
  });

  it('is left alone while it is suspended, and replaced when that is over', async () => {
    const before = ids();
    agent.source.declare({ ...vault(), mode: 'observe' });
    machine.write('second');
    await agent.run(120_000);
    expect(ids()).toEqual(before);
    expect(condition(agent, 'Container/vault')).toBe('Drifted');
    agent.source.declare(vault());
    await agent.run(10_000);
    expect(creates()).toBe(2);
  });

  it('that is made again for another reason is not made twice, also where what is known of the file is older', async () => {
    agent.source.declare(vault(), container('other', { env, image: 'busybox' }));
    await agent.run(5_000);
    machine.write('second');
    host.hand.remove('vault');
    await agent.run(120_000);
    expect([message(), message('Container/other'), creates()]).toEqual(['running', 'running', 4]);
  });

  it('slows down where the file changes again and again', async () => {
    for (let change = 0; change < 30; change += 1) {
      machine.write(`change ${change}`);
      agent.reconciler.resync();
      await agent.run(10_000);
    }
    expect(creates()).toBeLessThan(12);
    await agent.run(600_000);
    expect(message()).toBe('running');
  });
});

it('does not go on with a secret with which the new container ends, and does with the next', async () => {
  agent.source.declare(vault());
  await agent.run(5_000);
  const before = ids();
  world.faults = undefined;
  machine.write('second');
  const programs = PROGRAMS as Record<string, Program>;
  programs['busybox'] = { exitAfterMs: 100, exitCode: 3 };
  await agent.run(65_000);
  expect([condition(agent, 'Container/vault'), ids()]).toEqual(['UpdateFailed', before]);
  const tried = creates();
  await agent.run(300_000);
  expect([condition(agent, 'Container/vault'), creates()]).toEqual(['UpdateFailed', tried]);
  delete programs['busybox'];
  machine.write('third');
  await agent.run(65_000);
  expect([condition(agent, 'Container/vault'), creates()]).toEqual(['Ready', tried + 1]);
});

it('replaces StartFirst: the old container serves until the new one is ready', async () => {
  const spec = { updateStrategy: { type: 'StartFirst', readyTimeoutMs: 20_000, drainMs: 0 } } as const;
  agent.source.declare(vault(spec));
  await agent.run(5_000);
  machine.write('second');
  const wrong: number[] = [];
  world.faults = () => {
    const running = host.observe().containers.filter(({ state }) => state === 'running');
    if (running.length === 0) wrong.push(clock.now());
    return undefined;
  };
  await agent.run(120_000);
  expect([message(), creates(), wrong]).toEqual(['running', 2, []]);
});

it('tells each container of a file that several have', async () => {
  agent.source.declare(vault(), container('other', { env, image: 'busybox' }));
  await agent.run(5_000);
  expect(label('other').split('=')[1]).not.toBe(label('vault').split('=')[1]);
  machine.write('second');
  await agent.run(65_000);
  expect([message(), message('Container/other'), creates()]).toEqual(['running', 'running', 4]);
});

it('makes containers also without a key, and says that they are not compared', async () => {
  machine.key = () => Promise.reject(new OvrError('secret-unreadable', 'waiting', 'cannot use the key file'));
  agent.source.declare(vault());
  await agent.run(5_000);
  machine.write('second');
  await agent.run(120_000);
  expect([creates(), label()]).toEqual([1, '']);
  expect(message()).toContain('its secrets are not compared: it was made without keyed hashes');
});

describe('an encrypted value', () => {
  const sealed = (text: string, plainHash = 'plain'): ContainerObject => ({
    ...container('vault', { env: [{ name: 'S', sealed: text }], sealedBy: text, image: 'busybox' }),
    plainHash,
  });

  beforeEach(async () => {
    machine.opened.set('one', { S: 'hush' }).set('two', { S: 'hush' }).set('three', { S: 'else' });
    agent.source.declare(sealed('one'));
    await agent.run(5_000);
    expect([condition(agent, 'Container/vault'), machine.opens]).toEqual(['Ready', 1]);
  });

  it('that is encrypted anew is opened once and leaves the container alone', async () => {
    const before = ids();
    agent.source.declare(sealed('two'));
    await agent.run(300_000);
    expect([message(), ids(), machine.opens]).toEqual(['running', before, 2]);
  });

  it('that is another replaces the container', async () => {
    agent.source.declare(sealed('three'));
    await agent.run(10_000);
    expect([message(), creates()]).toEqual(['running', 2]);
  });

  it('that cannot be opened leaves the container alone until it can', async () => {
    const before = ids();
    agent.source.declare(sealed('four'));
    await agent.run(60_000);
    expect([condition(agent, 'Container/vault'), ids()]).toEqual(['Waiting', before]);
    expect(machine.opens).toBeLessThan(5);
    machine.opened.set('four', { S: 'else' });
    await agent.run(120_000);
    expect([message(), creates()]).toEqual(['running', 2]);
  });
});

describe('what is hashed', () => {
  it('is never alike for two ways to take names and values apart', () => {
    const parts = fc.array(fc.string({ unit: 'binary' }), { maxLength: 4 });
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const isSame = a.length === b.length && a.every((part, index) => part === b[index]);
        expect(keyedInput(...a) === keyedInput(...b)).toBe(isSame);
      }),
    );
  });

  it('is not alike where the same text is cut elsewhere', () => {
    const cut = fc.tuple(fc.string({ minLength: 1 }), fc.nat(), fc.nat());
    fc.assert(
      fc.property(cut, ([text, a, b]) => {
        const [i, j] = [a % (text.length + 1), b % (text.length + 1)];
        fc.pre(i !== j);
        const at = (index: number): string => keyedInput(text.slice(0, index), text.slice(index));
        expect(at(i)).not.toBe(at(j));
      }),
    );
  });
});
