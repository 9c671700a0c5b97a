import { expect, test } from 'vitest';
import { FakeClock } from '../api/index.ts';
import { Bell } from './bell.ts';

interface Setup {
  readonly clock: FakeClock;
  readonly bell: Bell;
  readonly rounds: number[];
  /** Ends the round under way. */
  readonly end: () => void;
}

function setUp(): Setup {
  const clock = new FakeClock();
  const rounds: number[] = [];
  let end = (): void => undefined;
  const bell = new Bell(clock, (seenMs) => {
    rounds.push(seenMs);
    return new Promise((resolve) => {
      end = resolve;
    });
  });
  return { clock, bell, rounds, end: () => end() };
}

test('many rings are one round, and a ring during a round is one more right after it', async () => {
  const { clock, bell, rounds, end } = setUp();
  bell.ring();
  bell.ring();
  await clock.advanceAsync(0);
  expect(rounds).toEqual([0]);
  await clock.advanceAsync(10);
  bell.ring();
  bell.ring();
  await clock.advanceAsync(5);
  expect(rounds).toEqual([0]);
  end();
  await clock.advanceAsync(0);
  expect(rounds).toEqual([0, 10]);
});

test('of several delays the earliest counts', async () => {
  const { clock, bell, rounds } = setUp();
  bell.ring(1_000);
  bell.ring(100);
  bell.ring(500);
  await clock.advanceAsync(99);
  expect(rounds).toEqual([]);
  await clock.advanceAsync(1);
  expect(rounds).toHaveLength(1);
  await clock.advanceAsync(2_000);
  expect(rounds).toHaveLength(1);
});

test('a stopped bell is silent', async () => {
  const { clock, bell, rounds } = setUp();
  bell.ring(10);
  bell.stop();
  bell.ring();
  await clock.advanceAsync(100);
  expect(rounds).toEqual([]);
});
