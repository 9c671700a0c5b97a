import { expect, test } from 'vitest';
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
import type { EngineFacts, ObservedContainer } from '../state/index.ts';
import type { Plan } from './result.ts';

const overlay = network('ovr0');
const bridge = network('net0', { driver: 'bridge' });
const web = container('web', { networks: [attach('ovr0')] });
const local = container('local', { networks: [attach('net0')] });
const objects = [overlay, bridge, web, local];

function planned(
  engine: Partial<EngineFacts>,
  given: Partial<ObservedContainer>,
  networks = [networkOf(overlay), networkOf(bridge)],
): Plan {
  const containers = [containerOf(web, given), containerOf(local, given)];
  const memory = appliedBefore(objects);
  return planCase({ objects, memory, observed: { engine: { ...facts, ...engine }, networks, containers } });
}

test('a node that has joined starts both', () => {
  expect(outline(planned({}, { state: 'exited' }))).toEqual([
    'Container/local: StartContainer',
    'Container/web: StartContainer',
  ]);
});

test('one that has not starts only what is on no overlay of Swarm’s, says why, and looks again soon', () => {
  const plan = planned({ joining: true }, { state: 'exited' });
  expect(outline(plan)).toEqual(['Container/local: StartContainer']);
  expect(conditionOf(plan, 'Container/web')).toBe('Waiting');
  const verdict = plan.verdicts.find(({ condition }) => condition.key === 'Container/web');
  expect(verdict?.condition.message).toMatch(/has not joined its Swarm yet: attaching to ovr0/);
  expect(verdict?.causes).toHaveLength(1);
  expect(plan.recheckAfterMs).toBe(1_000);
});

test('also where the overlay is not listed, as on a worker that does not use it yet', () => {
  const plan = planned({ joining: true, kind: 'swarm-worker' }, { state: 'exited' }, [networkOf(bridge)]);
  expect(conditionOf(plan, 'Container/web')).toBe('Waiting');
});

test('what runs as declared stays Ready meanwhile', () => {
  const plan = planned({ joining: true }, {});
  expect(outline(plan)).toEqual([]);
  expect(conditionOf(plan, 'Container/web')).toBe('Ready');
});
