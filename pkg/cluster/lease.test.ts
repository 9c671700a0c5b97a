import { describe, expect, it } from 'vitest';
import { FakeClock } from '../api/index.ts';
import { Lease } from './lease.ts';

const SESSION_MS = 10_000;

function bench(nodeLostAfterMs = 60_000): {
  clock: FakeClock;
  lease: Lease;
  contact: { ms: number | undefined };
} {
  const clock = new FakeClock();
  const contact: { ms: number | undefined } = { ms: undefined };
  const lease = new Lease({
    nowMs: () => clock.monotonic(),
    lastContactMs: () => contact.ms,
    sessionTimeoutMs: () => SESSION_MS,
    nodeLostAfterMs,
  });
  return { clock, lease, contact };
}

/** Registered at 0 with bindings read. */
function held(nodeLostAfterMs?: number): ReturnType<typeof bench> {
  const all = bench(nodeLostAfterMs);
  all.contact.ms = 0;
  all.lease.joined();
  all.lease.bindingsRead();
  expect(all.lease.held()).toBe(true);
  return all;
}

describe('a lease', () => {
  it('is not held before anything was heard, nor by contact or membership alone', () => {
    const { lease, contact } = bench();
    expect(lease.held()).toBe(false);
    contact.ms = 0;
    expect(lease.held()).toBe(false);
    lease.bindingsRead();
    expect(lease.held()).toBe(false);
    lease.joined();
    expect(lease.held()).toBe(false);
    lease.bindingsRead();
    expect(lease.held()).toBe(true);
  });

  it.each([
    [60_000, 40_000, 20_000],
    [15_000, 10_000, 10_000],
    [3_000, 10_000, 2_000],
    [600_000, 400_000, 140_000],
  ])(
    'with %i ms until a node is lost ends after %i ms, and leaves %i ms to stop',
    (lostMs, fenceMs, graceMs) => {
      const { clock, lease } = held(lostMs);
      expect(lease.remainingMs()).toBe(fenceMs);
      expect(lease.graceMs()).toBe(graceMs);
      expect(fenceMs + graceMs).toBeLessThan(SESSION_MS + lostMs);
      clock.advance(fenceMs - 1);
      expect(lease.held()).toBe(true);
      clock.advance(1);
      expect(lease.held()).toBe(false);
      expect(lease.remainingMs()).toBeUndefined();
    },
  );

  it('does not come back with contact, only with bindings read after it', () => {
    const { clock, lease, contact } = held();
    clock.advance(40_000);
    expect(lease.held()).toBe(false);
    contact.ms = 40_000;
    expect(lease.held()).toBe(false);
    lease.bindingsRead();
    expect(lease.held()).toBe(true);
  });

  it('goes on over a lost connection for as long as the last contact carries it', () => {
    const { clock, lease, contact } = held();
    clock.advance(5_000);
    contact.ms = 5_000;
    lease.parted();
    contact.ms = undefined;
    clock.advance(39_999);
    expect(lease.held()).toBe(true);
    clock.advance(1);
    expect(lease.held()).toBe(false);
  });

  it('takes no contact of a session in which this agent is no member', () => {
    const { clock, lease, contact } = held();
    lease.parted();
    clock.advance(39_000);
    contact.ms = 39_000;
    clock.advance(1_000);
    expect(lease.held()).toBe(false);
  });

  it('goes on in a new session when it is a member again in time', () => {
    const { clock, lease, contact } = held();
    lease.parted();
    clock.advance(39_000);
    contact.ms = 39_000;
    lease.joined();
    clock.advance(20_000);
    expect(lease.held()).toBe(true);
  });

  it('was lost when it became a member too late, also if nobody asked in between', () => {
    const { clock, lease, contact } = held();
    lease.parted();
    clock.advance(40_000);
    contact.ms = 40_000;
    lease.joined();
    expect(lease.held()).toBe(false);
    lease.bindingsRead();
    expect(lease.held()).toBe(true);
  });

  it('keeps what it last heard of a session that is gone', () => {
    const { clock, lease, contact } = held();
    clock.advance(30_000);
    contact.ms = 30_000;
    expect(lease.held()).toBe(true);
    contact.ms = undefined;
    lease.parted();
    clock.advance(39_999);
    expect(lease.held()).toBe(true);
  });
});
