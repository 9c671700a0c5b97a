import { beforeEach, describe, expect, it } from 'vitest';
import { containerText, networkText, parsedRevision } from '../../test/build/revisions.ts';
import { TestRevisionStore } from '../../test/build/revision-store.ts';
import { MemoryHolds } from '../../test/build/holds.ts';
import { createTestAgent, TestSource, TestStore, type TestAgent } from '../../test/build/agent.ts';
import { FakeClock } from '../api/index.ts';
import type { Revision } from '../manifest/index.ts';
import { alone, History, PinnedSource, Rollbacks } from './index.ts';
import { SimulatedWorld } from './simulated/index.ts';

/** One host, and agents on it that come and go. */
class Stage {
  readonly clock = new FakeClock();
  readonly world = new SimulatedWorld({ clock: this.clock, images: ['v1', 'v2', 'v3'] });
  readonly holds = new MemoryHolds();
  readonly revisions = new TestRevisionStore();
  readonly store = new TestStore();
  source = new TestSource();
  agent!: TestAgent;
  history!: History;
  rollbacks!: Rollbacks;
  pinned!: PinnedSource;

  /** Starts an agent that reads nothing but what is on its disk, and what `source` says. */
  async start(): Promise<void> {
    const { clock, holds, source, store } = this;
    this.history = new History({
      store: this.revisions,
      clock,
      sourceName: source.name,
      tell: () => undefined,
      pinned: () => this.rollbacks.history().pinned,
    });
    const { history } = this;
    this.rollbacks = new Rollbacks({
      history,
      clock,
      holds: () => holds,
      sourceRevision: () => source.state().revision,
    });
    this.pinned = new PinnedSource({ source, history, clock, holds: () => holds.list() });
    this.agent = createTestAgent({
      engine: this.world.host().engine,
      clock,
      source,
      store,
      pinned: this.pinned,
      applied: (revision, state) => history.applied(revision, state),
      coordination: { ...alone, holds },
    });
    const { reconciler } = this.agent;
    holds.changed = () => {
      this.pinned.holdsChanged();
      reconciler.sourceChanged();
    };
    await this.pinned.start(() => reconciler.sourceChanged());
    await reconciler.start();
    await this.agent.run();
  }

  async restart(): Promise<void> {
    const stopping = this.agent.reconciler.stop();
    await this.agent.run(100);
    await stopping;
    await this.pinned.stop();
    this.source = new TestSource();
    await this.start();
  }

  async declare(revision: Revision): Promise<void> {
    this.source.set({ revision });
    await this.agent.run();
  }

  async rollback(to?: Revision, forMs?: number): Promise<void> {
    await this.rollbacks.rollback({ to: to?.digest, who: 'ann', forMs });
    await this.agent.run();
  }

  /** `web:v1`, for what runs. */
  running(): string {
    return [...this.world.host().containers.values()]
      .filter(({ state }) => state === 'running')
      .map(({ name, image }) => `${name}:${image}`)
      .sort()
      .join(' ');
  }

  doubt(): string | undefined {
    return this.pinned.state().doubt;
  }
}

const net = networkText('net0', { driver: 'bridge' });
const web = (image: string): string => containerText('web', { image, networks: [{ name: 'net0' }] });
const [v1, v2, v3] = [
  parsedRevision(net, web('v1')),
  parsedRevision(net, web('v2')),
  parsedRevision(net, web('v3'), containerText('more', { image: 'v3' })),
];

let stage: Stage;
beforeEach(async () => {
  stage = new Stage();
  await stage.start();
  await stage.declare(v1);
  await stage.declare(v2);
  expect(stage.running()).toBe('web:v2');
});

describe('a rollback', () => {
  it('brings what runs back to the revision before, and resume to the source', async () => {
    await stage.rollback();
    expect(stage.running()).toBe('web:v1');
    expect(stage.agent.reconciler.status()).toMatchObject({
      converged: true,
      revision: { digest: v1.digest },
      pin: { revision: v1.digest, who: 'ann', sourceRevision: v2.digest },
    });
    expect(stage.rollbacks.history()).toMatchObject({ current: v1.digest, pinned: v1.digest });
    await stage.rollbacks.resume();
    await stage.agent.run();
    expect(stage.running()).toBe('web:v2');
    expect(stage.agent.reconciler.status().pin).toBeUndefined();
    expect(stage.rollbacks.history().pinned).toBeUndefined();
  });

  it('stays while the source goes on, and over restarts', async () => {
    await stage.rollback(v1);
    await stage.declare(v3);
    expect(stage.running()).toBe('web:v1');
    expect(stage.pinned.state().pin).toMatchObject({ sourceRevision: v3.digest });
    await stage.restart();
    expect(stage.running()).toBe('web:v1');
    await stage.declare(v3);
    expect(stage.running()).toBe('web:v1');
    stage.world.host().hand.remove('web');
    await stage.agent.run();
    expect(stage.running()).toBe('web:v1');
    await stage.rollbacks.resume();
    await stage.agent.run();
    expect(stage.running()).toBe('more:v3 web:v3');
  });

  it('removes what came later, but not before the source was read', async () => {
    await stage.declare(v3);
    await stage.restart();
    await stage.rollback(v2);
    expect(stage.running()).toBe('more:v3 web:v2');
    expect(stage.doubt()).toContain('the source was not read since the start');
    await stage.declare(v3);
    expect(stage.running()).toBe('web:v2');
    expect(stage.doubt()).toBeUndefined();
  });

  it('removes nothing while the source is in doubt', async () => {
    await stage.declare(v3);
    stage.source.set({ doubt: 'the folder is gone' });
    await stage.rollback(v2);
    expect(stage.running()).toBe('more:v3 web:v2');
    expect(stage.doubt()).toBe('the folder is gone');
  });

  it('ends by itself when its time is over', async () => {
    await stage.rollback(v1, 60_000);
    await stage.agent.run(50_000);
    expect(stage.running()).toBe('web:v1');
    await stage.agent.run(10_000);
    expect(stage.running()).toBe('web:v2');
    const told = stage.agent.reconciler.events(0).map(({ message }) => message);
    expect(told.filter((message) => message.includes('expired'))).toHaveLength(1);
    expect(told.filter((message) => message.startsWith('pinned to'))).toHaveLength(1);
  });

  it('to what a node does not have changes nothing there, until it ends or the source has it', async () => {
    const other = parsedRevision(net, web('v3'));
    await stage.holds.put({
      id: 'rollback',
      who: 'eve',
      whenMs: 1,
      what: JSON.stringify({ revision: other.digest }),
    });
    await stage.declare(v3);
    expect(stage.running()).toBe('web:v2');
    expect(stage.doubt()).toContain(
      `pinned to revision ${other.digest.slice(0, 12)}, which this node does not have`,
    );
    expect(stage.doubt()).toContain('ovr resume');
    await stage.restart();
    await stage.declare(v3);
    expect(stage.running()).toBe('web:v2');
    stage.world.host().hand.remove('web');
    await stage.agent.run();
    expect(stage.running()).toBe('web:v2');
    await stage.declare(other);
    expect([stage.running(), stage.doubt()]).toEqual(['web:v3', undefined]);
  });

  it('does nothing at all on a node that has never had a revision', async () => {
    const fresh = new Stage();
    await fresh.holds.put({ id: 'rollback', who: 'eve', whenMs: 1, what: 'rubbish' });
    await fresh.start();
    await fresh.declare(v1);
    expect([fresh.running(), fresh.pinned.state().revision]).toEqual(['', undefined]);
    await fresh.rollbacks.resume();
    await fresh.agent.run();
    expect(fresh.running()).toBe('web:v1');
  });

  it('shows the commit of the pinned revision as applied, and that of the source as tried', async () => {
    const commit = { author: 'Ann', timeMs: 1, subject: 'x' };
    stage.source.set({ commit: { ...commit, commit: 'old' } });
    await stage.declare(v3);
    stage.source.set({ commit: { ...commit, commit: 'new' } });
    await stage.declare(v1);
    await stage.rollback(v3);
    expect(stage.agent.reconciler.status().sources).toMatchObject([
      { commit: { commit: 'old' }, attempted: { commit: 'new' } },
    ]);
  });
});

describe('what is asked for', () => {
  it('may be in force already, and takes the place of what was pinned', async () => {
    const first = await stage.rollbacks.rollback({ to: v2.digest.slice(0, 6), who: 'ann' });
    expect(first).toMatchObject({ revision: { digest: v2.digest }, instead: v2.digest });
    expect(first.replaced).toBeUndefined();
    const second = await stage.rollbacks.rollback({ who: 'bob', note: 'why', forMs: 5_000 });
    expect(second).toMatchObject({
      revision: { digest: v1.digest },
      replaced: { who: 'ann' },
      hold: { who: 'bob', note: 'why', untilMs: stage.clock.now() + 5_000 },
    });
    expect(await stage.rollbacks.resume()).toMatchObject({ released: { who: 'bob' }, source: v2.digest });
    expect(await stage.rollbacks.resume()).toEqual({ source: v2.digest });
  });

  it.each([
    [{ to: 'ffffff' }, 'this node has not applied a revision "ffffff"'],
    [{ forMs: 0 }, 'longer than no time'],
    [{ note: 'x'.repeat(600) }, 'note is longer than'],
  ])('is refused: %j', async (request, message) => {
    await expect(stage.rollbacks.rollback({ who: 'ann', ...request })).rejects.toThrow(message);
    expect(stage.holds.list()).toEqual([]);
  });

  it('is refused where its file cannot be read any more, and where there is nothing before', async () => {
    stage.revisions.kept.delete(v1.digest);
    await expect(stage.rollbacks.rollback({ who: 'ann' })).rejects.toMatchObject({ code: 'not-found' });
    const fresh = new Stage();
    await fresh.start();
    await expect(fresh.rollbacks.rollback({ who: 'ann' })).rejects.toThrow(
      'no revision was applied here yet',
    );
    await fresh.declare(v1);
    await expect(fresh.rollbacks.rollback({ who: 'ann' })).rejects.toThrow(
      'the only one that was applied here',
    );
  });

  it('compares two, by default the one before with the one in force', async () => {
    const { from, to, differences } = await stage.rollbacks.compare(undefined, undefined);
    expect([from, to]).toEqual([v1.digest, v2.digest]);
    expect(differences).toEqual([
      { key: 'Container/web', change: 'changed', fields: [{ field: 'image', from: 'v1', to: 'v2' }] },
    ]);
    expect((await stage.rollbacks.compare(v2.digest, v2.digest)).differences).toEqual([]);
  });
});
