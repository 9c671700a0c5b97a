import { describe, expect, test } from 'vitest';
import { attach, container, network } from '../../test/build/objects.ts';
import { startAgent } from '../../test/build/agent.ts';
import { FakeClock, OvrError } from '../api/index.ts';
import { Repeats } from './repeats.ts';
import { SimulatedWorld } from './simulated/index.ts';

describe('a failure', () => {
  test('is told when it is new, and then every 5 minutes with how often it came', () => {
    const repeats = new Repeats();
    const told = [];
    for (let nowMs = 0; nowMs <= 600_000; nowMs += 2_000) {
      const news = repeats.failed('a', 'x', nowMs);
      if (news) told.push([nowMs, news]);
    }
    expect(told).toEqual([
      [0, { times: 1, overMs: 0 }],
      [300_000, { times: 151, overMs: 300_000 }],
      [600_000, { times: 301, overMs: 600_000 }],
    ]);
  });

  test.each([
    ['in another way', (repeats: Repeats) => repeats.failed('a', 'y', 2_000)],
    ['of something else', (repeats: Repeats) => repeats.failed('b', 'x', 2_000)],
    [
      'after it went well',
      (repeats: Repeats) => {
        repeats.worked('a');
        return repeats.failed('a', 'x', 2_000);
      },
    ],
    [
      'after 1,000 others',
      (repeats: Repeats) => {
        for (let other = 0; other < 1_000; other += 1) repeats.failed(`other-${other}`, 'x', 1_000);
        return repeats.failed('a', 'x', 2_000);
      },
    ],
  ])('%s is told', (_what, fail) => {
    const repeats = new Repeats();
    repeats.failed('a', 'x', 0);
    expect(fail(repeats)).toEqual({ times: 1, overMs: 0 });
  });
});

test('a night of one failure every 2 s leaves the events of the others', async () => {
  const clock = new FakeClock();
  const world = new SimulatedWorld({ clock, images: ['busybox'] });
  const agent = await startAgent({ engine: world.host().engine, clock });
  let tries = 0;
  world.faults = ({ operation, phase }) => {
    if (operation !== 'startContainer' || phase !== 'before') return undefined;
    tries += 1;
    throw new OvrError('port-in-use', 'waiting', 'somebody has it');
  };
  agent.source.declare(
    network('net0', { driver: 'bridge' }),
    container('web-1', { networks: [attach('net0', 'web')] }),
  );
  await agent.run(3_600_000);
  const events = agent.reconciler.events(0);
  const failures = events.filter(
    ({ message }) => message.includes('somebody has it') && message.includes('failed'),
  );
  expect(tries).toBeGreaterThan(1_000);
  expect(failures.length).toBeLessThan(15);
  expect(failures.at(-1)?.message).toMatch(
    /^StartContainer failed, \d{4} times in 3\d00 s: somebody has it$/,
  );
  expect(events.some(({ message }) => message.startsWith('CreateContainer: '))).toBe(true);
});
