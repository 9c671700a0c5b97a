import { describe, expect, it } from 'vitest';
import { attach, container, network } from '../../test/build/objects.ts';
import {
  appliedBefore,
  conditionOf,
  containerOf,
  networkOf,
  outline,
  planCase,
  type PlanCase,
} from '../../test/build/observed.ts';
import { PRUNE_LABEL, type ObjectKey } from '../api/index.ts';

const ovr0 = network('ovr0');
const web = container('web', { networks: [attach('ovr0')] });
const other = container('other');
const [net, running] = [networkOf(ovr0), containerOf(web)];
const stay = { [PRUNE_LABEL]: 'false' };
const labelled = { ...running, labels: { ...running.labels, ...stay } };
const labelledNet = { ...net, labels: { ...net.labels, ...stay } };
const busy = { objects: [other], observed: { networks: [net], containers: [labelled, containerOf(other)] } };

function remembered(stays: Partial<Record<ObjectKey, boolean>>): Pick<PlanCase, 'memory'> {
  return {
    memory: { ...appliedBefore([]), stays: new Map(Object.entries(stays) as [ObjectKey, boolean][]) },
  };
}

describe('what no manifest declares', () => {
  const rows: [string, PlanCase, string[], Partial<Record<ObjectKey, string>>][] = [
    [
      'stays where its label says so, and its network with it',
      busy,
      [],
      { 'Container/web': 'Kept', 'Network/ovr0': 'Waiting' },
    ],
    [
      'stays where its manifest said so after it was made',
      {
        ...busy,
        observed: { networks: [net], containers: [running, containerOf(other)] },
        ...remembered({ 'Container/web': true }),
      },
      [],
      { 'Container/web': 'Kept' },
    ],
    [
      'goes where its manifest took that back',
      { ...busy, ...remembered({ 'Container/web': false }) },
      ['Container/web: StopContainer RemoveContainer', 'Network/ovr0: RemoveNetwork'],
      { 'Container/web': 'Progressing' },
    ],
    [
      'stays though the folder is empty, which is no doubt of its own then',
      { objects: [], observed: { networks: [labelledNet], containers: [labelled] } },
      [],
      { 'Container/web': 'Kept', 'Network/ovr0': 'Kept' },
    ],
    [
      'stays as it is, also stopped',
      {
        ...busy,
        observed: { networks: [net], containers: [{ ...labelled, state: 'exited' }, containerOf(other)] },
      },
      [],
      { 'Container/web': 'Kept' },
    ],
    [
      'is no reason to stay for a foreign container with an inherited label',
      { objects: [other], observed: { containers: [containerOf(other), { ...labelled, name: 'copy' }] } },
      [],
      { 'Container/web': 'none' },
    ],
  ];
  it.each(rows)('%s', (_what, given, steps, conditions) => {
    const planned = planCase(given);
    expect(outline(planned)).toEqual(steps);
    expect(planned.held).toBeUndefined();
    for (const [key, condition] of Object.entries(conditions))
      expect(conditionOf(planned, key)).toBe(condition);
  });

  it('says why it is there and how it goes', () => {
    const { verdicts } = planCase(busy);
    expect(verdicts.map(({ condition: { key, message } }) => `${key}: ${message}`)).toEqual([
      'Container/other: running',
      'Container/web: no manifest declares it; kept because ovr/prune was "false": declare it again, or remove it with docker rm --force web',
      'Network/ovr0: containers that no manifest declares and ovr/prune keeps still use it: [web]; remove them first',
    ]);
  });
});

describe('what is declared with ovr/prune: "false"', () => {
  it('is made with the label, and is as declared without it too', () => {
    const kept = [network('ovr0', {}, { prune: false }), container('web', web.spec, { prune: false })];
    const labels = planCase({ objects: kept }).objects.flatMap(({ steps }) =>
      steps.flatMap((step) => {
        if (step.type === 'CreateNetwork') return [step.network.labels[PRUNE_LABEL]];
        return step.type === 'CreateContainer' ? [step.container.labels[PRUNE_LABEL]] : [];
      }),
    );
    expect(labels).toEqual(['false', 'false']);
    const there = { networks: [net], containers: [running] };
    expect(outline(planCase({ objects: kept, observed: there }))).toEqual([]);
    const back = { networks: [labelledNet], containers: [labelled] };
    expect(outline(planCase({ objects: [ovr0, web], observed: back }))).toEqual([]);
  });

  it('goes where it does not belong any more', () => {
    const away = container('web', { nodeConstraint: ['node==elsewhere'] }, { prune: false });
    const planned = planCase({ objects: [away], observed: { containers: [labelled] } });
    expect(outline(planned)).toEqual(['Container/web: StopContainer RemoveContainer']);
  });
});
