import { describe, expect, test } from 'vitest';
import { ownerLabels } from '../../api/index.ts';
import type { Engine, EndpointQuestion, Inquiry } from '../ports.ts';
import { holderOn } from './holder.ts';
import { isStillThere, judgeEndpoint } from './stale-proof.ts';

describe('what holds an endpoint on an engine', () => {
  const question: EndpointQuestion = { network: { name: 'net0', id: 'n' }, endpointId: 'e1', name: 'web' };
  const judged = { question, all: ['e1'] };

  function engine(
    containers: readonly { id: string; name: string; state?: string; labels?: Record<string, string> }[],
    endpoints: readonly { id: string; name: string; holder?: string }[],
    kind = 'cluster-store',
  ): Pick<Engine, 'observe' | 'inspectNetwork'> {
    const observed = {
      engine: { kind },
      networks: [{ id: 'n', name: 'net0', scope: 'global' }],
      containers: containers.map((each) => ({ labels: {}, state: 'exited', ...each })),
    };
    return {
      observe: () => Promise.resolve(observed as unknown as Awaited<ReturnType<Engine['observe']>>),
      inspectNetwork: () => Promise.resolve({ endpoints }),
    };
  }

  test.each([
    [
      'a stopped container of the name',
      engine([{ id: 'c2', name: 'web' }], []),
      /^container web \(c2, exited\)/,
    ],
    [
      'a renamed one that kept the endpoint',
      engine([], [{ id: 'e1', name: 'was', holder: 'c3' }]),
      /c3 .*named was/,
    ],
    [
      'one whose rename failed half-way',
      engine([], [{ id: 'e9', name: 'web', holder: 'c4' }]),
      /c4 .*named web/,
    ],
  ])('%s', async (_, subject, says) => {
    expect(await holderOn(subject, question, 'own')).toMatch(says);
  });

  test.each([
    ['the container itself', engine([{ id: 'own', name: 'web' }], [{ id: 'e1', name: 'web' }])],
    [
      'others',
      engine(
        [{ id: 'c2', name: 'web2' }],
        [
          { id: 'e1', name: 'web' },
          { id: 'e2', name: 'web2', holder: 'c2' },
        ],
      ),
    ],
  ])('not %s', async (_, subject) => {
    expect(await holderOn(subject, question, 'own')).toBeUndefined();
  });

  const holder = 'a'.repeat(64);
  const labels = ownerLabels({ cluster: 'default', kind: 'Container', name: 'web', specHash: 'h' });
  const old = { id: holder, name: 'web.ovr-old', labels };
  const endpoint = { id: 'e1', name: 'web', holder };

  test.each([
    ['that the engine has removed', engine([], [endpoint])],
    ['of the same object that has ended', engine([old], [endpoint])],
  ])('not a container %s, and whose endpoint it did not take along', async (_, subject) => {
    expect(await holderOn(subject, question, 'own')).toBeUndefined();
    expect(await isStillThere(subject, judged)).toBe(true);
  });

  test.each([
    ['of the same object that runs', engine([{ ...old, state: 'running' }], [endpoint])],
    ['of somebody else', engine([{ ...old, labels: {} }], [endpoint])],
    ['of another object', engine([{ ...old, name: 'other' }], [endpoint])],
    ['what is no container', engine([], [{ ...endpoint, holder: 'ingress-sbox' }])],
    // It does not list the containers of a host that is away.
    ['a container that a classic Swarm does not list', engine([], [endpoint], 'classic-swarm')],
  ])('a container %s', async (_, subject) => {
    expect(await holderOn(subject, question, 'own')).toMatch(/\(endpoint e1 named web\)/);
    await expect(isStillThere(subject, judged)).rejects.toThrow(/changed hands/);
  });

  describe('two endpoints of the name', () => {
    const pair = engine(
      [],
      [
        { id: 'e1', name: 'web' },
        { id: 'e2', name: 'web' },
      ],
    );
    const wanted = { id: 'own', name: 'web' };
    const answers =
      (says: Readonly<Record<string, Inquiry>>) =>
      ({ endpointId }: EndpointQuestion): Promise<Inquiry> =>
        Promise.resolve(says[endpointId] ?? { type: 'held-by-nobody', nodes: ['n2'] });

    test.each<[what: string, says: Readonly<Record<string, Inquiry>>, verdict: object]>([
      ['are removed when both are nobody’s', {}, { type: 'proven', all: ['e1', 'e2'] }],
      [
        'stay when somebody has one',
        { e2: { type: 'held', node: 'n2', holder: 'container web' } },
        { type: 'refused' },
      ],
      [
        'need proof for the one of which nobody can say',
        { e2: { type: 'unknown', message: 'node n3 is away' } },
        { type: 'unproven', unproven: ['e2'], message: 'node n3 is away' },
      ],
    ])('%s', async (_, says, verdict) => {
      const judging = judgeEndpoint({ engine: pair, inquire: answers(says) }, wanted, question.network);
      expect(await judging).toMatchObject(verdict);
    });

    test('are looked at again before one is removed', async () => {
      await expect(isStillThere(pair, judged)).rejects.toThrow(/changed hands/);
      expect(await isStillThere(pair, { question, all: ['e1', 'e2'] })).toBe(true);
    });
  });

  test('cannot be told by one that does not show the endpoint', async () => {
    const shown = engine([], [{ id: 'e2', name: 'web2', holder: 'c2' }]);
    await expect(holderOn(shown, question)).rejects.toThrow(/does not show endpoint web of network net0/);
  });

  test('that is another one now: it is not touched', async () => {
    const changed = { code: 'stale-endpoint', message: expect.stringContaining('changed hands') as string };
    await expect(isStillThere(engine([], [{ id: 'e2', name: 'web' }]), judged)).rejects.toMatchObject(
      changed,
    );
    const taken = engine([], [{ id: 'e1', name: 'web', holder: 'c1' }]);
    await expect(isStillThere(taken, judged)).rejects.toMatchObject(changed);
    expect(await isStillThere(engine([], [{ id: 'e1', name: 'web' }]), judged)).toBe(true);
    expect(await isStillThere(engine([], [{ id: 'e2', name: 'web2' }]), judged)).toBe(false);
  });
});
