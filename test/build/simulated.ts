import { FakeClock } from '../../pkg/api/index.ts';
import type { ManifestObject } from '../../pkg/manifest/index.ts';
import { SimulatedWorld, type SimulatedHost, type Topology } from '../../pkg/reconcile/simulated/index.ts';
import { startAgent, type TestAgent } from './agent.ts';

interface Bench {
  readonly world: SimulatedWorld;
  readonly host: SimulatedHost;
  readonly agent: TestAgent;
}

/** An agent on the first host of a simulated world, once it has done what the objects ask for. */
export async function converged(objects: ManifestObject[], topology: Topology = 'single'): Promise<Bench> {
  const clock = new FakeClock();
  const world = new SimulatedWorld({ clock, topology, images: ['busybox'] });
  const host = world.host();
  const agent = await startAgent({ engine: host.engine, clock });
  agent.source.declare(...objects);
  await agent.run();
  return { world, host, agent };
}

/** The condition that the agent shows for an object. */
export function condition(agent: TestAgent, key: string): string {
  return agent.reconciler.status().objects.find((object) => object.key === key)?.condition.type ?? 'none';
}
