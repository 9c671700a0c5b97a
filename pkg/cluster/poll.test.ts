import { describe, expect, it } from 'vitest';
import { ClusterStage, staying } from '../../test/build/cluster.ts';
import { container } from '../../test/build/objects.ts';

const never = (): Promise<string> => new Promise<string>(() => undefined);

/** What is left of questions and answers. */
function leftOvers(stage: ClusterStage): string[] {
  return stage.coordinator
    .entries()
    .map(([path]) => path)
    .filter((path) => /^(questions|answers)\/./.test(path));
}

describe('a question', () => {
  it('is answered by every agent, at once, and leaves nothing behind', async () => {
    const stage = new ClusterStage();
    const [n1, n2] = await stage.with('n1', 'n2', 'n3');
    const beganMs = stage.clock.monotonic();
    const { answers, silent } = await stage.during(n2!.cluster.questions.ask('who?', 10_000));
    expect([...answers].toSorted()).toEqual([
      ['n1', 'n1: who?'],
      ['n2', 'n2: who?'],
      ['n3', 'n3: who?'],
    ]);
    expect(silent.size).toBe(0);
    expect(stage.clock.monotonic() - beganMs).toBeLessThan(500);
    await stage.pass(1_000);
    expect(leftOvers(stage)).toEqual([]);
    const both = [n1!, n2!].map(({ cluster }, at) => cluster.questions.ask(`${at}`, 10_000));
    const [first, second] = await stage.during(Promise.all(both));
    expect([first?.answers.get('n3'), second?.answers.get('n3')]).toEqual(['n3: 0', 'n3: 1']);
  });

  it('costs nothing at rest', async () => {
    const stage = new ClusterStage();
    await stage.with('n1', 'n2');
    expect((await stage.written(60_000)).filter((write) => /questions|answers/.test(write))).toEqual([]);
  });

  it('ends at its deadline, and names who did not answer', async () => {
    const stage = new ClusterStage();
    const [n1, n2] = await stage.with('n1', 'n2');
    n2!.answers = never;
    const { answers, silent } = await stage.during(n1!.cluster.questions.ask('who?', 2_000));
    expect([...answers.keys()]).toEqual(['n1']);
    expect([...silent]).toEqual([['n2', expect.stringMatching(/did not answer within 2 s/)]]);
    await stage.pass(1_000);
    expect(leftOvers(stage)).toEqual([]);
  });

  it('does not wait for nodes that are away, and names those that something is to run on', async () => {
    const stage = new ClusterStage();
    stage.declare(...staying('a b'), container('p', { nodeConstraint: ['node==n9'] }));
    const [n1] = await stage.with('n1', 'n2');
    stage.agents[1]!.kill();
    await stage.pass(15_000);
    const beganMs = stage.clock.monotonic();
    const { answers, silent } = await stage.during(n1!.cluster.questions.ask('who?', 10_000));
    expect(stage.clock.monotonic() - beganMs).toBeLessThan(500);
    expect([...answers.keys()]).toEqual(['n1']);
    expect([...silent.keys()].toSorted()).toEqual(['n2', 'n9']);
  });

  it.each([
    ['of a topic that a newer ovr knows', { format: 1, topic: 'weather', text: '' }],
    ['of a newer format', { format: 2, topic: 'check', text: '' }],
  ])('%s gets no answer, and hinders none', async (_, document) => {
    const stage = new ClusterStage();
    const [n1] = await stage.with('n1', 'n2');
    await stage.put('questions/q', JSON.stringify(document));
    await stage.pass(1_000);
    expect(leftOvers(stage)).toEqual(['questions/q']);
    const { answers } = await stage.during(n1!.cluster.questions.ask('who?', 10_000));
    expect([...answers.keys()].toSorted()).toEqual(['n1', 'n2']);
  });

  it('of one who goes is forgotten', async () => {
    const stage = new ClusterStage();
    const [n1, n2] = await stage.with('n1', 'n2');
    n2!.answers = never;
    void n1!.cluster.questions.ask('who?', 60_000).catch(() => undefined);
    await stage.pass(500);
    expect(leftOvers(stage)).toHaveLength(2);
    n1!.kill();
    await stage.pass(15_000);
    expect(leftOvers(stage)).toEqual([]);
  });

  it('cannot be asked without the coordinator', async () => {
    const stage = new ClusterStage();
    const [n1] = await stage.with('n1');
    stage.coordinator.stop();
    await stage.pass(15_000);
    await expect(stage.during(n1!.cluster.questions.ask('who?', 1_000))).rejects.toMatchObject({
      code: 'coordinator-unreachable',
    });
  });
});
