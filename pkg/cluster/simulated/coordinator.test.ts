import { describe, expect, it } from 'vitest';
import { FakeClock, OvrError } from '../../api/index.ts';
import type { CoordinationStore, StoreEvent, StoreWrite } from '../store.ts';
import { SimulatedCoordinator, type PartitionedWay } from './index.ts';

const TIMEOUT_MS = 6_000;

interface Client {
  readonly store: CoordinationStore;
  readonly events: StoreEvent[];
}

class Bench {
  readonly clock = new FakeClock();
  readonly coordinator: SimulatedCoordinator;

  constructor(latencyMs = 0) {
    this.coordinator = new SimulatedCoordinator({
      clock: this.clock,
      sessionTimeoutMs: TIMEOUT_MS,
      latency: () => latencyMs,
    });
  }

  async connect(name: string): Promise<Client> {
    const store = this.coordinator.open(name);
    const events: StoreEvent[] = [];
    store.start((event) => events.push(event));
    await this.clock.advanceAsync(1_000);
    return { store, events };
  }

  pass(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms);
  }
}

function create(path: string, data = '', ephemeral = false): StoreWrite {
  return { type: 'create', path, data, ephemeral };
}

/** The code that a call fails with, or `done`. */
async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'done';
  } catch (error) {
    return error instanceof OvrError ? error.code : String(error);
  }
}

function types(events: readonly StoreEvent[]): string[] {
  return events.map((event) => (event.type === 'connected' && event.sameSession ? 'resumed' : event.type));
}

describe('the tree', () => {
  it('keeps data and versions, and makes parents as needed', async () => {
    const { store } = await new Bench().connect('a');
    await store.commit([create('x/y/z', 'one')]);
    await store.commit([{ type: 'set', path: 'x/y/z', data: 'two', version: 0 }]);
    expect(await store.get('x/y/z')).toEqual({ data: 'two', version: 1, mine: false, ephemeral: false });
    expect(await store.children('x')).toEqual(['y']);
    expect(await store.children('nowhere')).toEqual([]);
  });

  it('does all writes of a commit or none', async () => {
    const { store } = await new Bench().connect('a');
    await store.commit([create('a', '1'), create('b/c', '1')]);
    const commits: StoreWrite[][] = [
      [{ type: 'set', path: 'a', data: '2' }, create('n/m'), create('a')],
      [
        { type: 'remove', path: 'b/c' },
        { type: 'check', path: 'a', version: 1 },
      ],
      [
        { type: 'set', path: 'a', data: '2', version: 0 },
        { type: 'set', path: 'missing', data: '' },
      ],
      [{ type: 'remove', path: 'b' }],
    ];
    for (const writes of commits) expect(await outcome(store.commit(writes))).toBe('coordinator-conflict');
    expect(await store.get('a')).toMatchObject({ data: '1', version: 0 });
    expect(await store.children('')).toEqual(['a', 'b']);
    expect(await store.children('b')).toEqual(['c']);
  });

  it('counts sequential names up, also past removed ones, and tells whose ephemerals they are', async () => {
    const bench = new Bench();
    const a = await bench.connect('a');
    const b = await bench.connect('b');
    expect(await a.store.createSequential('leader', 'n-', 'a')).toBe('leader/n-0000000000');
    expect(await b.store.createSequential('leader', 'n-', 'b')).toBe('leader/n-0000000001');
    await b.store.commit([{ type: 'remove', path: 'leader/n-0000000001' }]);
    expect(await b.store.createSequential('leader', 'n-', 'b')).toBe('leader/n-0000000002');
    expect(await a.store.get('leader/n-0000000000')).toMatchObject({ mine: true, ephemeral: true });
    expect(await b.store.get('leader/n-0000000000')).toMatchObject({ mine: false, ephemeral: true });
  });
});

describe('watches', () => {
  it('ring once, also for what does not exist yet, and before the new data can be read', async () => {
    const bench = new Bench(5);
    const a = await bench.connect('a');
    const b = await bench.connect('b');
    const seen: string[] = [];
    const first = a.store.get('x', () => seen.push('rang'));
    await bench.pass(20);
    expect(await first).toBeUndefined();
    void b.store.commit([create('x', '1')]);
    await bench.pass(5);
    void a.store.get('x').then((znode) => seen.push(`read ${znode?.data ?? 'nothing'}`));
    await bench.pass(20);
    void b.store.commit([{ type: 'set', path: 'x', data: '2' }]);
    await bench.pass(20);
    expect(seen).toEqual(['rang', 'read 1']);
  });

  it('of a folder ring for children that come and go, not for their data', async () => {
    const { store } = await new Bench().connect('a');
    await store.commit([create('m/a')]);
    let rings = 0;
    const watched = (): Promise<readonly string[]> => store.children('m', () => (rings += 1));
    await watched();
    await store.commit([{ type: 'set', path: 'm/a', data: '2' }]);
    expect(rings).toBe(0);
    await store.commit([create('m/b')]);
    expect(rings).toBe(1);
    expect(await watched()).toEqual(['a', 'b']);
    await store.commit([{ type: 'remove', path: 'm/a' }]);
    expect(rings).toBe(2);
  });

  it('are gone after a lost connection', async () => {
    const bench = new Bench();
    const { store, events } = await bench.connect('a');
    let rings = 0;
    await store.get('x', () => (rings += 1));
    bench.coordinator.cut('a');
    await bench.pass(1_000);
    await store.commit([create('x')]);
    expect([rings, types(events)]).toEqual([0, ['connected', 'disconnected', 'resumed']]);
  });
});

describe('sessions', () => {
  it('live as long as the client does, however long it asks nothing', async () => {
    const bench = new Bench(20);
    const { store, events } = await bench.connect('a');
    const made = store.commit([create('members/a', '', true)]);
    await bench.pass(100);
    await made;
    await bench.pass(10 * TIMEOUT_MS);
    expect(types(events)).toEqual(['connected']);
    expect(bench.clock.monotonic() - (store.lastContactMs() ?? 0)).toBeLessThan(TIMEOUT_MS / 2);
  });

  for (const way of ['to-server', 'to-client', 'both'] as const satisfies PartitionedWay[]) {
    it(`end when the client is cut off (${way}), which it knows before`, async () => {
      const bench = new Bench();
      const a = await bench.connect('a');
      const b = await bench.connect('b');
      await a.store.commit([create('members/a', '', true)]);
      const contactMs = a.store.lastContactMs() ?? 0;
      bench.coordinator.partition('a', way);
      await bench.pass(TIMEOUT_MS - 200);
      expect(types(a.events)).toEqual(['connected', 'disconnected']);
      expect(await b.store.get('members/a')).toBeDefined();
      await bench.pass(TIMEOUT_MS);
      expect(await b.store.get('members/a')).toBeUndefined();
      expect(a.store.lastContactMs()).toBe(contactMs);
      bench.coordinator.partition('a', 'none');
      await bench.pass(1_000);
      expect(types(a.events)).toEqual(['connected', 'disconnected', 'expired', 'connected']);
    });
  }

  it('outlive a short partition and a restart of the server', async () => {
    const bench = new Bench();
    const { store, events } = await bench.connect('a');
    await store.commit([create('members/a', '', true), create('epoch', '1')]);
    bench.coordinator.partition('a', 'both');
    await bench.pass(3_000);
    bench.coordinator.partition('a', 'none');
    await bench.pass(1_000);
    bench.coordinator.stop();
    await bench.pass(2 * TIMEOUT_MS);
    expect(await outcome(store.get('epoch'))).toBe('coordinator-unreachable');
    bench.coordinator.start();
    await bench.pass(1_000);
    expect(types(events)).toEqual(['connected', 'disconnected', 'resumed']);
    expect(await store.get('members/a')).toMatchObject({ mine: true });
  });

  it('are ended by stop, with their ephemerals, also when the server does not answer', async () => {
    const bench = new Bench();
    const a = await bench.connect('a');
    const b = await bench.connect('b');
    await a.store.commit([create('members/a', '', true)]);
    await a.store.stop();
    expect(await b.store.get('members/a')).toBeUndefined();
    bench.coordinator.freeze();
    const stopped = b.store.stop();
    await bench.pass(2_000);
    await stopped;
    expect(await outcome(b.store.get('x'))).toBe('coordinator-unreachable');
  });

  it('end when the server says so, and everything of them', async () => {
    const bench = new Bench();
    const { store, events } = await bench.connect('a');
    await store.commit([create('members/a', '', true), create('epoch', '1')]);
    bench.coordinator.expire('a');
    await bench.pass(1_000);
    expect(types(events)).toEqual(['connected', 'disconnected', 'expired', 'connected']);
    expect(await store.get('members/a')).toBeUndefined();
    expect(await store.get('epoch')).toMatchObject({ mine: false });
  });
});

describe('the server', () => {
  it('frozen answers nothing, lets silent sessions go when it thaws, and does then what had come', async () => {
    const bench = new Bench();
    const { store, events } = await bench.connect('a');
    await store.commit([create('members/a', '', true)]);
    bench.coordinator.freeze();
    const write = outcome(store.commit([create('x')]));
    await bench.pass(2 * TIMEOUT_MS);
    expect(await write).toBe('coordinator-timeout');
    expect(types(events)).toEqual(['connected', 'disconnected']);
    bench.coordinator.thaw();
    await bench.pass(2_000);
    expect(types(events)).toEqual(['connected', 'disconnected', 'expired', 'connected']);
    expect(await store.children('')).toEqual(['members']);
  });

  it('wiped has neither znodes nor sessions; rolled back it has those of then', async () => {
    const bench = new Bench();
    const { store, events } = await bench.connect('a');
    await store.commit([create('x', 'old')]);
    const backup = bench.coordinator.snapshot();
    await store.commit([{ type: 'set', path: 'x', data: 'new' }]);
    bench.coordinator.rollback(backup);
    await bench.pass(1_000);
    expect(await store.get('x')).toMatchObject({ data: 'old', version: 0 });
    bench.coordinator.wipe();
    await bench.pass(1_000);
    expect(bench.coordinator.entries()).toEqual([]);
    expect(types(events)).toEqual([
      ...['connected', 'disconnected', 'resumed'],
      ...['disconnected', 'expired', 'connected'],
    ]);
  });

  it('does a write whose answer is lost, and not one that is lost on the way', async () => {
    const bench = new Bench();
    const { store } = await bench.connect('a');
    for (const phase of ['before', 'after'] as const) {
      bench.coordinator.faults = (call) =>
        call.request.type === 'commit' && call.phase === phase ? 'lost' : undefined;
      expect(await outcome(store.commit([create(phase)]))).toBe('coordinator-timeout');
      bench.coordinator.faults = undefined;
      await bench.pass(1_000);
    }
    expect(await store.children('')).toEqual(['after']);
  });

  it('refuses credentials until they are right', async () => {
    const bench = new Bench();
    bench.coordinator.refuse('a', true);
    const { store, events } = await bench.connect('a');
    expect(await outcome(store.get('x'))).toBe('coordinator-refused');
    await bench.pass(5_000);
    bench.coordinator.refuse('a', false);
    await bench.pass(1_000);
    expect(types(events)).toEqual(['refused', 'connected']);
    expect(await store.get('x')).toBeUndefined();
  });

  it('answers slowly where messages do, and calls end when they take too long', async () => {
    const bench = new Bench();
    const { store, events } = await bench.connect('a');
    bench.coordinator.slow('a', 1_000);
    const read = outcome(store.get('x'));
    await bench.pass(2_000);
    expect(await read).toBe('done');
    bench.coordinator.slow('a', TIMEOUT_MS);
    const late = outcome(store.get('x'));
    await bench.pass(TIMEOUT_MS);
    expect(await late).toBe('coordinator-timeout');
    expect(types(events)).toEqual(['connected', 'disconnected']);
  });
});
