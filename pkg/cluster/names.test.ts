import { describe, expect, it } from 'vitest';
import { ClusterStage, type StagedAgent } from '../../test/build/cluster.ts';
import type { AgentStatus } from '../reconcile/index.ts';

function aliasHeldBy(agent: StagedAgent, container: string): AgentStatus['aliases'][number] {
  return {
    key: 'Alias/web',
    name: 'web',
    dnsName: 'web',
    network: 'n',
    selector: {},
    readiness: 'Running',
    isSwitched: false,
    chosen: [container],
    holders: [{ node: agent.name, container, has: true, standing: 'ready' }],
    isComplete: true,
    isSettled: true,
    condition: { type: 'Ready', message: '' },
  };
}

/** Lets an agent tell this from its next round on. */
function tells(agent: StagedAgent, ...containers: string[]): void {
  agent.aliases = containers.map((container) => aliasHeldBy(agent, container));
  agent.look();
}

/** Which containers have the name, as this agent knows from all. */
function known(agent: StagedAgent): string {
  const state = agent.cluster.state();
  const facts = state.type === 'member' ? state.cluster.holders?.get('web') : undefined;
  return facts === undefined
    ? 'unknown'
    : facts
        .map(({ container }) => container)
        .sort()
        .join(' ');
}

describe('who has a name', () => {
  it.each([0, 20, 200])(
    'is learnt of all, also where they tell at once and their answers are %i ms late',
    async (lateMs) => {
      const stage = new ClusterStage();
      const [n1, n2] = ['n1', 'n2'].map((name) => stage.add(name, { lateMs })) as [StagedAgent, StagedAgent];
      for (const agent of [n1, n2]) agent.start();
      await stage.pass(15_000);
      for (let turn = 1; turn <= 5; turn += 1) {
        tells(n1, `a${turn}`);
        await stage.pass(turn * 3);
        tells(n2, `b${turn}`);
        await stage.pass(2_000);
        expect([known(n1), known(n2)]).toEqual([`a${turn} b${turn}`, `a${turn} b${turn}`]);
      }
    },
  );

  it('is learnt again by one that had nothing to tell meanwhile', async () => {
    const stage = new ClusterStage();
    const [n1, n2] = (await stage.with('n1', 'n2')) as [StagedAgent, StagedAgent];
    tells(n1, 'a');
    tells(n2, 'b');
    await stage.pass(2_000);
    tells(n2);
    await stage.pass(2_000);
    expect(known(n2)).toBe('unknown');
    tells(n1, 'c');
    await stage.pass(2_000);
    tells(n2, 'd');
    await stage.pass(2_000);
    expect([known(n1), known(n2)]).toEqual(['c d', 'c d']);
  });
});
