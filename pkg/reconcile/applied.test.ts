import { expect, it } from 'vitest';
import { startAgent, TestStore } from '../../test/build/agent.ts';
import { container } from '../../test/build/objects.ts';
import { FakeClock } from '../api/index.ts';
import { SimulatedWorld } from './simulated/index.ts';

it('what was applied last stays so, also over a restart, until the newest revision is reached', async () => {
  const clock = new FakeClock();
  const engine = new SimulatedWorld({ clock, images: ['busybox'], pullable: [] }).host().engine;
  const store = new TestStore();
  let agent = await startAgent({ engine, clock, store });
  const shown = (): (string | undefined)[] => {
    const { revision, applied } = agent.reconciler.status();
    return [revision?.digest, applied?.digest];
  };
  const first = agent.source.declare(container('web')).digest;
  await agent.run();
  expect(shown()).toEqual([first, first]);
  const broken = agent.source.declare(container('web', { image: 'missing' })).digest;
  await agent.run();
  expect(shown()).toEqual([broken, first]);
  await Promise.all([agent.reconciler.stop(), clock.advanceAsync(20_000)]);
  agent = await startAgent({ engine, clock, store });
  agent.source.declare(container('web', { image: 'missing' }));
  await agent.run();
  expect(shown()).toEqual([broken, first]);
  const mended = agent.source.declare(container('web'), container('other')).digest;
  await agent.run();
  expect(shown()).toEqual([mended, mended]);
});
