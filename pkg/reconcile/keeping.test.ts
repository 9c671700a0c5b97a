import { describe, expect, it } from 'vitest';
import { startAgent, TestStore, type TestAgent } from '../../test/build/agent.ts';
import { container } from '../../test/build/objects.ts';
import { FakeClock } from '../api/index.ts';
import type { ContainerObject } from '../manifest/index.ts';
import { SimulatedWorld } from './simulated/index.ts';

interface Stage {
  readonly world: SimulatedWorld;
  readonly store: TestStore;
  readonly clock: FakeClock;
  agent: TestAgent;
}

const [plain, kept] = [container('web'), container('web', {}, { prune: false })];
const other = container('other');

async function stage(): Promise<Stage> {
  const clock = new FakeClock();
  const world = new SimulatedWorld({ clock, images: ['busybox'] });
  const store = new TestStore();
  const agent = await startAgent({ engine: world.host().engine, clock, store });
  return { world, store, clock, agent };
}

/** A new process with what the old one has saved. */
async function restart(on: Stage): Promise<void> {
  await Promise.all([on.agent.reconciler.stop(), on.clock.advanceAsync(20_000)]);
  on.agent = await startAgent({ engine: on.world.host().engine, clock: on.clock, store: on.store });
}

function containers({ world }: Stage): Map<string, string> {
  return new Map(world.snapshot().hosts[0]?.containers.map(({ name, id }) => [name, id]));
}

function conditionOf({ agent }: Stage, key: string): string | undefined {
  return agent.reconciler.status().objects.find((object) => object.key === key)?.condition.type;
}

describe('ovr/prune: "false"', () => {
  const rows: [what: string, ...revisions: (readonly ContainerObject[])[]][] = [
    ['from the start', [kept, other]],
    ['added later, for which nothing is made again', [plain, other], [kept, other]],
  ];
  it.each(rows)('%s: the container outlives its manifest and restarts', async (_what, ...revisions) => {
    const on = await stage();
    on.agent.source.declare(...revisions[0]!);
    await on.agent.run();
    const id = containers(on).get('web');
    for (const revision of revisions.slice(1)) on.agent.source.declare(...revision);
    await on.agent.run();
    on.agent.source.declare(other);
    await on.agent.run(120_000);
    expect([conditionOf(on, 'Container/web'), containers(on).get('web')]).toEqual(['Kept', id]);
    expect(on.agent.reconciler.status().converged).toBe(true);
    await restart(on);
    on.agent.source.declare(other);
    await on.agent.run(120_000);
    expect([conditionOf(on, 'Container/web'), containers(on).get('web')]).toEqual(['Kept', id]);
    on.agent.source.declare(plain, other);
    await on.agent.run();
    expect([conditionOf(on, 'Container/web'), containers(on).get('web')]).toEqual(['Ready', id]);
    on.world.host().hand.stop('web');
    await on.agent.run();
    expect(conditionOf(on, 'Container/web')).toBe('Ready');
    on.agent.source.declare(other);
    await on.agent.run();
    expect(containers(on).has('web')).toBe(false);
  });

  it('is forgotten once a person has removed what it kept', async () => {
    const on = await stage();
    on.agent.source.declare(plain, other);
    await on.agent.run();
    on.agent.source.declare(kept, other);
    await on.agent.run();
    on.agent.source.declare(other);
    await on.agent.run();
    expect(JSON.stringify(on.store.saved)).toContain('"stays":[["Container/web"');
    on.world.host().hand.remove('web');
    await on.agent.run(120_000);
    expect(conditionOf(on, 'Container/web')).toBeUndefined();
    expect(JSON.stringify(on.store.saved)).toContain('"stays":[]');
  });
});
