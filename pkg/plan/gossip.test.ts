import { describe, expect, test } from 'vitest';
import { attach, container, network } from '../../test/build/objects.ts';
import {
  appliedBefore,
  conditionOf,
  containerOf,
  facts,
  networkOf,
  outline,
  planCase,
} from '../../test/build/observed.ts';
import type { ObservedNetwork, UnjoinedHost } from '../state/index.ts';
import type { Plan } from './result.ts';

const overlay = network('ovr0');
const web = container('web', { networks: [attach('ovr0')] });

function planned(given: Partial<ObservedNetwork>, declared = overlay): Plan {
  const objects = [declared, web];
  const observed = {
    engine: facts,
    networks: [networkOf(overlay, given)],
    containers: [containerOf(web)],
  };
  return planCase({ objects, memory: appliedBefore(objects), observed });
}

function host(number: number, forMs: number): UnjoinedHost {
  return { name: `node-${number}`, address: `10.6.17.1${number}`, forMs };
}

describe('an overlay whose gossip', () => {
  test.each<
    [what: string, given: Partial<ObservedNetwork>, condition: string, recheckAfterMs: number | undefined]
  >([
    ['nobody knows of', {}, 'Ready', undefined],
    ['has joined', { peers: ['10.6.17.12', '10.6.17.13'] }, 'Ready', undefined],
    ['has nobody to join', { peers: ['10.6.17.12'] }, 'Ready', undefined],
    ['has just begun', { unjoined: [host(3, 0)] }, 'Ready', 25_000],
    ['may still join', { unjoined: [host(3, 24_999), host(4, 10)] }, 'Ready', 1],
    ['has not joined', { unjoined: [host(3, 25_000)] }, 'Degraded', undefined],
    [
      'lacks one for long and one just now',
      { unjoined: [host(3, 0), host(4, 60_000)] },
      'Degraded',
      undefined,
    ],
  ])('%s', (_, given, condition, recheckAfterMs) => {
    const plan = planned(given);
    expect(conditionOf(plan, 'Network/ovr0')).toBe(condition);
    expect(plan.recheckAfterMs).toBe(recheckAfterMs);
    // It is Docker's to join; what runs goes on.
    expect(outline(plan)).toEqual([]);
    expect(conditionOf(plan, 'Container/web')).toBe('Ready');
  });

  test('is missing hosts: which, what that means, and the mend', () => {
    const hosts = [5, 3, 4, 6, 7].map((number) => host(number, 30_000));
    const message = messageOf(planned({ unjoined: [...hosts, host(8, 0)] }));
    expect(message).toContain('node-3 (10.6.17.13), node-4 (10.6.17.14), node-5 (10.6.17.15) and 2 more');
    expect(message).not.toContain('node-8');
    expect(message).toMatch(/names do not resolve.*every 60 s.*systemctl restart docker/);
  });

  test('is missing a host without an address: its name alone', () => {
    expect(messageOf(planned({ unjoined: [{ ...host(3, 30_000), address: '' }] }))).toMatch(/: node-3\. /);
  });

  test('is not ours to judge: ignored', () => {
    const ignored = network('ovr0', {}, { mode: 'ignore' });
    expect(conditionOf(planned({ unjoined: [host(3, 30_000)] }, ignored), 'Network/ovr0')).toBe('Ignored');
  });
});

function messageOf(plan: Plan): string {
  return plan.verdicts.find(({ condition }) => condition.key === 'Network/ovr0')?.condition.message ?? '';
}
