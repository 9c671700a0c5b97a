import { describe, expect, it } from 'vitest';
import { type Outcome, type Seat, type StoreStage, describeError } from './store-stage.ts';

const STOP_MS = 2_000;
const LOST = ['coordinator-timeout transient', 'coordinator-unreachable transient'];

/** One of each call, several times over, under way together. */
function manyCalls(seat: Seat): Promise<unknown>[] {
  return Array.from({ length: 5 }, (_, i) => [
    seat.store.get('some/path', () => undefined),
    seat.store.get('nowhere', () => undefined),
    seat.store.children('some', () => undefined),
    seat.store.commit([{ type: 'create', path: `made/${i}`, data: 'x'.repeat(10_000), ephemeral: false }]),
    seat.store.commit([{ type: 'set', path: 'some/path', data: `${i}` }]),
    seat.store.createSequential('leader', 'n-', 'x'),
  ]).flat();
}

/** The errors among them, which all must be of those that tell of a lost connection. */
function lostOnes(outcomes: readonly Outcome<unknown>[]): string[] {
  const errors = outcomes.flatMap((outcome) => ('error' in outcome ? [describeError(outcome.error)] : []));
  expect(errors.filter((error) => !LOST.includes(error))).toEqual([]);
  return errors;
}

async function ready(stage: StoreStage): Promise<Seat> {
  const seat = await stage.connected();
  await seat.create('some/path');
  return seat;
}

export function describeBreaks(stage: () => StoreStage): void {
  describe('when the server freezes', () => {
    it('tells within two thirds of the session timeout, and its last contact stands still', async () => {
      const seat = await ready(stage());
      const { subject } = stage();
      const limitMs = (seat.store.sessionTimeoutMs() * 2) / 3 + subject.slackMs;
      subject.freeze();
      const frozenMs = subject.monotonic();
      await seat.hears('disconnected');
      expect(subject.monotonic() - frozenMs).toBeLessThanOrEqual(limitMs);
      expect(seat.store.lastContactMs()).toBeLessThanOrEqual(frozenMs);
      const contactMs = seat.store.lastContactMs();
      await subject.until('one more third', () => subject.monotonic() - frozenMs > limitMs * 1.5);
      expect(seat.store.lastContactMs()).toBe(contactMs);
      expect(seat.told.filter((type) => type === 'connected')).toHaveLength(1);
    });

    it('ends every call that is under way, and every later one', async () => {
      const seat = await ready(stage());
      const { subject } = stage();
      subject.freeze();
      const begin = subject.monotonic();
      const ended = await Promise.all(manyCalls(seat).map((call) => stage().outcome(call)));
      expect(subject.monotonic() - begin).toBeLessThanOrEqual(
        seat.store.sessionTimeoutMs() + subject.slackMs,
      );
      expect(lostOnes(ended)).toHaveLength(30);
      await seat.hears('disconnected');
      const later = await Promise.all(manyCalls(seat).map((call) => stage().outcome(call)));
      expect(new Set(lostOnes(later))).toEqual(new Set(['coordinator-unreachable transient']));
    });

    it('goes on when it thaws', async () => {
      const seat = await ready(stage());
      stage().subject.freeze();
      await seat.hears('disconnected');
      const told = seat.told.length;
      stage().subject.thaw();
      await seat.reconnects(told);
      await seat.set('some/path', 'thawed');
      expect(await seat.data('some/path')).toBe('thawed');
    });

    it.each(['connected', 'disconnected'] as const)('stops within 2 s when it is %s', async (state) => {
      const seat = await ready(stage());
      const { subject } = stage();
      subject.freeze();
      await seat.hears(state);
      const calls = manyCalls(seat).map((call) => stage().outcome(call));
      const begin = subject.monotonic();
      await stage().done(seat.store.stop());
      expect(subject.monotonic() - begin).toBeLessThanOrEqual(STOP_MS + subject.slackMs);
      expect(lostOnes(await Promise.all(calls))).toHaveLength(30);
    });

    it('stops within 2 s when it never was connected', async () => {
      const { subject } = stage();
      subject.freeze();
      const seat = stage().started();
      const begin = subject.monotonic();
      await stage().done(seat.store.stop());
      expect(subject.monotonic() - begin).toBeLessThanOrEqual(STOP_MS + subject.slackMs);
      expect(seat.told.includes('connected')).toBe(false);
    });
  });

  describe('when a connection breaks', () => {
    it('ends every call that is under way, and the next ones are answered', async () => {
      const seat = await ready(stage());
      const calls = manyCalls(seat).map((call) => stage().outcome(call));
      stage().subject.cut();
      lostOnes(await Promise.all(calls));
      await seat.reconnects(1);
      await seat.set('some/path', 'after');
      expect(await seat.data('some/path')).toBe('after');
    });

    it('comes back each time, with the same session', async () => {
      const seat = await ready(stage());
      for (let round = 0; round < 4; round += 1) {
        const told = seat.told.length;
        stage().subject.cut();
        await seat.reconnects(told);
      }
      expect(seat.connections.slice(1).every(({ sameSession }) => sameSession)).toBe(true);
    });
  });

  describe('when a session expires', () => {
    it('ends every call that is under way', async () => {
      const seat = await ready(stage());
      const calls = manyCalls(seat).map((call) => stage().outcome(call));
      await stage().done(stage().subject.expire(seat.session));
      lostOnes(await Promise.all(calls));
      await seat.hears('expired');
      await seat.reconnects(seat.told.indexOf('expired'));
      await seat.createEphemeral('members/again');
    });
  });

  describe('when the server ends', () => {
    it('ends every call that is under way, and stops within 2 s', async () => {
      const seat = await ready(stage());
      const calls = manyCalls(seat).map((call) => stage().outcome(call));
      await stage().subject.down();
      lostOnes(await Promise.all(calls));
      await seat.hears('disconnected');
      const { subject } = stage();
      const begin = subject.monotonic();
      await stage().done(seat.store.stop());
      expect(subject.monotonic() - begin).toBeLessThanOrEqual(STOP_MS + subject.slackMs);
      await subject.up();
    });
  });
}
