import { describe, expect, it } from 'vitest';
import { ClusterStage, type StagedAgent, type StagedAgentOptions } from '../../test/build/cluster.ts';
import type { EndpointQuestion } from '../reconcile/index.ts';

const question: EndpointQuestion = { network: { name: 'ovr0', id: 'n' }, endpointId: 'e1', name: 'web' };

type Says = (question: EndpointQuestion) => Promise<string | undefined>;

const nothing: Says = () => Promise.resolve(undefined);

/** Agents by name, each with an engine on the cluster store that says this of every endpoint. */
async function stageWith(says: Readonly<Record<string, StagedAgentOptions['testify']>>): Promise<{
  stage: ClusterStage;
  agents: StagedAgent[];
}> {
  const stage = new ClusterStage();
  stage.declare();
  const agents = Object.entries(says).map(([name, testify]) =>
    stage.add(name, { engineKind: 'cluster-store', ...(testify ? { testify } : {}) }),
  );
  for (const agent of agents) agent.start();
  await stage.pass(15_000);
  return { stage, agents };
}

function entries(stage: ClusterStage, folder: string): string[] {
  return stage.coordinator.entries().flatMap(([path]) => (path.startsWith(`${folder}/`) ? [path] : []));
}

describe('a question to all nodes', () => {
  it.each<[what: string, says: Readonly<Record<string, Says | undefined>>, answer: object]>([
    ['nobody has it', { n2: nothing, n3: nothing }, { type: 'held-by-nobody', nodes: ['n2', 'n3'] }],
    ['there is nobody else', {}, { type: 'held-by-nobody', nodes: [] }],
    [
      'one has it',
      { n2: nothing, n3: () => Promise.resolve('container web') },
      { type: 'held', node: 'n3', holder: 'container web' },
    ],
    [
      'one cannot tell',
      { n2: nothing, n3: () => Promise.reject(new Error('Docker is away')) },
      { type: 'unknown', message: 'node n3 cannot say whether it has it: Docker is away' },
    ],
    [
      'one is of an ovr that does not ask its engine',
      { n2: undefined },
      { type: 'unknown', message: 'node n2 cannot say whether it has it: its engine is not asked' },
    ],
  ])('%s', async (_, says, answer) => {
    const { stage, agents } = await stageWith({ n1: nothing, ...says });
    expect(await stage.during(agents[0]!.cluster.inquire(question))).toEqual(answer);
    await stage.pass(1_000);
    expect([...entries(stage, 'questions'), ...entries(stage, 'answers')]).toEqual([]);
  });

  it('is asked anew each time: an answer of before counts for nothing', async () => {
    const has: { what?: string } = {};
    const { stage, agents } = await stageWith({ n1: nothing, n2: () => Promise.resolve(has.what) });
    expect(await stage.during(agents[0]!.cluster.inquire(question))).toMatchObject({
      type: 'held-by-nobody',
    });
    has.what = 'container web';
    expect(await stage.during(agents[0]!.cluster.inquire(question))).toMatchObject({ type: 'held' });
  });

  it('is told whole to those that answer', async () => {
    const heard: EndpointQuestion[] = [];
    const { stage, agents } = await stageWith({
      n1: nothing,
      n2: (asked) => {
        heard.push(asked);
        return Promise.resolve(undefined);
      },
    });
    await stage.during(agents[0]!.cluster.inquire(question));
    expect(heard).toEqual([question]);
  });

  it('finds no answer in a node that has left, though its containers may run on', async () => {
    const { stage, agents } = await stageWith({ n1: nothing, n2: nothing });
    await stage.during(agents[1]!.cluster.stop());
    await stage.pass(1_000);
    const answer = await stage.during(agents[0]!.cluster.inquire(question));
    expect(answer).toMatchObject({ type: 'unknown' });
    expect(JSON.stringify(answer)).toMatch(/n2 is away .*nodes\/n2/);
    await stage.put('nodes/n2', undefined);
    expect(await stage.during(agents[0]!.cluster.inquire(question))).toEqual({
      type: 'held-by-nobody',
      nodes: [],
    });
  });

  it('waits no longer than some seconds for a node that does not answer', async () => {
    const { stage, agents } = await stageWith({ n1: nothing, n2: () => new Promise(() => undefined) });
    const began = stage.clock.monotonic();
    const answer = await stage.during(agents[0]!.cluster.inquire(question));
    expect(answer).toMatchObject({ type: 'unknown' });
    expect(JSON.stringify(answer)).toContain('no answer from n2');
    expect(stage.clock.monotonic() - began).toBeLessThan(12_000);
  });

  it('cannot be asked without contact', async () => {
    const { stage, agents } = await stageWith({ n1: nothing });
    stage.coordinator.partition('n1', 'both');
    await stage.pass(20_000);
    await expect(stage.during(agents[0]!.cluster.inquire(question))).rejects.toMatchObject({
      code: 'coordinator-unreachable',
    });
  });

  it('is no matter of engines that share no store', async () => {
    const { stage, agents } = await stageWith({ n1: nothing });
    stage.add('n9').start();
    await stage.pass(15_000);
    expect(entries(stage, 'nodes')).toEqual(['nodes/n1']);
    expect(await stage.during(agents[0]!.cluster.inquire(question))).toEqual({
      type: 'held-by-nobody',
      nodes: [],
    });
  });
});
