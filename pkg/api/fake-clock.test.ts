import { describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';

describe('FakeClock', () => {
  it('runs due timers in order of time, then in the order they were set', () => {
    const clock = new FakeClock();
    const seen: string[] = [];
    clock.after(20, () => seen.push(`b@${clock.monotonic()}`));
    clock.after(10, () => seen.push(`a@${clock.monotonic()}`));
    clock.after(20, () => seen.push(`c@${clock.monotonic()}`));
    clock.after(21, () => seen.push('late'));
    clock.advance(20);
    expect(seen).toEqual(['a@10', 'b@20', 'c@20']);
    expect(clock.pending).toBe(1);
  });

  it('runs timers that are set while advancing, when they fall due in the same stretch', () => {
    const clock = new FakeClock();
    const seen: number[] = [];
    const tick = (): void => {
      seen.push(clock.monotonic());
      clock.after(10, tick);
    };
    clock.after(10, tick);
    clock.advance(35);
    expect(seen).toEqual([10, 20, 30]);
  });

  it('does not run a cancelled timer, also when it is cancelled by one due at the same time', () => {
    const clock = new FakeClock();
    let ran = 0;
    const cancels: (() => void)[] = [];
    clock.after(5, () => cancels.forEach((cancel) => cancel()));
    cancels.push(clock.after(5, () => (ran += 1)));
    cancels.push(clock.after(50, () => (ran += 1)));
    clock.advance(100);
    expect(ran).toBe(0);
  });

  it('treats a delay below zero as due now, but never runs it at once', () => {
    const clock = new FakeClock();
    let ran = false;
    clock.after(-5, () => (ran = true));
    expect(ran).toBe(false);
    clock.advance(0);
    expect(ran).toBe(true);
  });

  it('moves the wall clock with the monotonic one, and sets it alone', () => {
    const clock = new FakeClock(1_000);
    clock.advance(50);
    expect([clock.now(), clock.monotonic()]).toEqual([1_050, 50]);
    clock.setNow(7);
    expect([clock.now(), clock.monotonic()]).toEqual([7, 50]);
    clock.advance(3);
    expect([clock.now(), clock.monotonic()]).toEqual([10, 53]);
  });

  it('lets promise chains of any depth settle between timers', async () => {
    const clock = new FakeClock();
    const seen: number[] = [];
    const wait = (ms: number): Promise<void> =>
      new Promise((resolve) => {
        clock.after(ms, resolve);
      });
    const work = async (): Promise<void> => {
      for (let round = 0; round < 3; round += 1) {
        await wait(10);
        for (let depth = 0; depth < 500; depth += 1) await Promise.resolve();
        seen.push(clock.monotonic());
      }
    };
    const done = work();
    await clock.advanceAsync(30);
    expect(seen).toEqual([10, 20, 30]);
    await done;
  });

  it('settles what is ready even when no time passes', async () => {
    const clock = new FakeClock();
    let ran = false;
    void Promise.resolve().then(() => (ran = true));
    await clock.advanceAsync(0);
    expect(ran).toBe(true);
  });
});
