import { expect, it } from 'vitest';
import { ClusterStage, movable } from '../../test/build/cluster.ts';

it('asks for no further round because of one that did not reach the engine', async () => {
  const stage = new ClusterStage();
  stage.declare(...movable('x', { nodeConstraint: ['node!=n2'] }));
  const [agent] = await stage.with('n1', 'n2');
  if (!agent) throw new Error('no agent');
  expect(stage.bound()).toBe('x@n1');
  let rounds = 0;
  const report = agent.cluster.report.bind(agent.cluster);
  agent.cluster.report = (status) => {
    rounds += 1;
    report(status);
  };
  agent.engineUp = false;
  stage.declare(...movable('x', { nodeConstraint: ['node!=n1'] }));
  await stage.pass(30_000);
  expect(stage.bound()).toBe('x-n1');
  expect(rounds).toBeLessThan(50);
});
