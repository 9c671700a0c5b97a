import { describe, expect, it } from 'vitest';
import type { StoreStage } from './store-stage.ts';

const UNREACHABLE = 'coordinator-unreachable transient';

export function describeSessions(stage: () => StoreStage): void {
  describe('sessions', () => {
    it('answers no call before it is started, nor after it is stopped', async () => {
      const seat = stage().open();
      expect(seat.store.lastContactMs()).toBeUndefined();
      expect(seat.store.sessionTimeoutMs()).toBeGreaterThan(0);
      expect(await stage().failure(seat.store.get('x'))).toBe(UNREACHABLE);
      seat.store.start((event) => void seat.events.push(event));
      await seat.hears('connected');
      await stage().done(seat.store.stop());
      expect(await stage().failure(seat.store.get('x'))).toBe(UNREACHABLE);
      expect(await stage().failure(seat.store.children('x'))).toBe(UNREACHABLE);
      expect(await stage().failure(seat.store.commit([{ type: 'check', path: 'x' }]))).toBe(UNREACHABLE);
      expect(await stage().failure(seat.store.createSequential('x', 'n-', ''))).toBe(UNREACHABLE);
      expect(seat.told).toEqual(['connected']);
    });

    it('stops when it was never started, and when it is stopped already', async () => {
      const seat = stage().open();
      await stage().done(seat.store.stop());
      await stage().done(seat.store.stop());
    });

    it('begins with a new session of its own', async () => {
      const [one, other] = [await stage().connected(), await stage().connected()];
      expect(one.connections).toMatchObject([{ sameSession: false }]);
      expect(one.session).not.toBe('');
      expect(one.session).not.toBe(other.session);
    });

    it('keeps in contact while nobody asks for anything', async () => {
      const seat = await stage().connected();
      const { subject } = stage();
      const begin = subject.monotonic();
      const contactMs = (): number => seat.store.lastContactMs() ?? -Infinity;
      await subject.until('three thirds of a session timeout', () => {
        const nowMs = subject.monotonic();
        const oldestMs = nowMs - (seat.store.sessionTimeoutMs() * 2) / 3 - subject.slackMs;
        expect(contactMs()).toBeGreaterThanOrEqual(oldestMs);
        expect(contactMs()).toBeLessThanOrEqual(nowMs);
        return nowMs - begin > seat.store.sessionTimeoutMs() && contactMs() > begin;
      });
      expect(seat.told).toEqual(['connected']);
    });

    it('lets its ephemerals go at once when it is stopped, and only its own', async () => {
      const [one, other] = [await stage().connected(), await stage().connected()];
      await one.createEphemeral('members/one');
      await other.createEphemeral('members/other');
      await one.createSequential('leader', 'n-', '');
      const { subject } = stage();
      const begin = subject.monotonic();
      await stage().done(one.store.stop());
      await other.sees('members/one', false);
      const tookMs = subject.monotonic() - begin;
      expect(tookMs).toBeLessThan(other.store.sessionTimeoutMs() / 3 + subject.slackMs);
      expect(await other.children('members')).toEqual(['other']);
      expect(await other.children('leader')).toEqual([]);
    });

    it('tells of an expired session, makes a new one, and everything can be made again', async () => {
      const [one, other] = [await stage().connected(), await stage().connected()];
      await one.createEphemeral('members/one', 'first');
      await one.createSequential('leader', 'n-', 'one');
      const lost = one.session;
      let gone = 0;
      await other.get('members/one', () => void (gone += 1));
      await stage().subject.expire(lost);
      await one.hears('expired');
      await one.reconnects(one.told.indexOf('expired'));
      expect(one.told).toEqual(['connected', 'disconnected', 'expired', 'connected']);
      expect(one.connections.at(-1)).toMatchObject({ sameSession: false });
      expect(one.session).not.toBe(lost);
      await stage().subject.until('the watch on the lost member', () => gone === 1);
      expect(await one.children('leader')).toEqual([]);
      await one.createEphemeral('members/one', 'second');
      await one.createSequential('leader', 'n-', 'one');
      expect(await other.data('members/one')).toBe('second');
      expect(await one.get('members/one')).toMatchObject({ mine: true });
      expect(other.told).toEqual(['connected']);
    });

    it('comes back to the same session after a short cut', async () => {
      const [one, other] = [await stage().connected(), await stage().connected()];
      await one.createEphemeral('members/one');
      const before = one.session;
      stage().subject.cut();
      await one.reconnects(1);
      await other.reconnects(1);
      expect(one.told).toEqual(['connected', 'disconnected', 'connected']);
      expect(one.connections.at(-1)).toEqual({ type: 'connected', session: before, sameSession: true });
      expect(await one.get('members/one')).toMatchObject({ mine: true });
      expect(await other.get('members/one')).toMatchObject({ mine: false, ephemeral: true });
    });

    it('comes back to the same session when the server is started again', async () => {
      const seat = await stage().connected();
      await seat.createEphemeral('members/one', 'kept');
      const before = seat.session;
      await stage().subject.down();
      await seat.hears('disconnected');
      expect(await stage().failure(seat.store.get('members/one'))).toBe(UNREACHABLE);
      await stage().subject.up();
      await seat.reconnects(seat.told.indexOf('disconnected'));
      expect(seat.connections.at(-1)).toEqual({ type: 'connected', session: before, sameSession: true });
      expect(await seat.get('members/one')).toMatchObject({ data: 'kept', mine: true });
    });

    it('connects when the server comes later', async () => {
      await stage().subject.down();
      const seat = stage().started();
      expect(await stage().failure(seat.store.get('x'))).toBe(UNREACHABLE);
      await stage().subject.up();
      await seat.hears('connected');
      await seat.create('x');
    });
  });
}
