import { expect, test } from 'vitest';
import { startAgent } from '../../../test/build/agent.ts';
import { attach, container, network } from '../../../test/build/objects.ts';
import { condition } from '../../../test/build/simulated.ts';
import { FakeClock } from '../../api/index.ts';
import { SimulatedWorld } from '../simulated/index.ts';

const FIRST = 'swarm-master';
const net0 = network('net0', { ipam: { subnet: '10.0.9.0/24' } });
const web = container('web', { nodeConstraint: [`node==${FIRST}`], networks: [attach('net0', 'w')] });

test('a second copy that classic Swarm has made of a container whose node was away: that one goes, never the older one', async () => {
  const clock = new FakeClock();
  const world = new SimulatedWorld({ clock, topology: 'cluster-store', images: ['busybox'], hosts: 2 });
  const [first, second] = [world.hosts[0]!, world.hosts[1]!];
  const agents = [];
  for (const { engine } of [first, second]) {
    const agent = await startAgent({ engine, clock });
    agent.source.declare(net0, web);
    await agent.run();
    agents.push(agent);
  }
  const older = JSON.stringify(first.observe().containers);
  const { labels = {} } = first.observe().containers.find(({ name }) => name === 'web') ?? {};
  first.setDown();
  // It makes the copy with all that the lost one was made with, labels too.
  second.hand.runContainer('web', { labels });
  await agents[1]!.run(120_000);
  first.setUp();
  await agents[0]!.run(120_000);
  expect(JSON.stringify(first.observe().containers)).toBe(older);
  expect(second.observe().containers.map(({ name }) => name)).not.toContain('web');
  expect([first.calls.get('removeContainer'), second.calls.get('removeContainer')]).toEqual([undefined, 1]);
  expect(condition(agents[0]!, 'Container/web')).toBe('Ready');
});
