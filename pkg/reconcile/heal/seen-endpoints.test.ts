import { expect, test } from 'vitest';
import { containerOf, facts } from '../../../test/build/observed.ts';
import { attach, container } from '../../../test/build/objects.ts';
import type { EngineFacts, ObservedContainer } from '../../state/index.ts';
import type { EndpointQuestion } from '../ports.ts';
import { SeenEndpoints } from './seen-endpoints.ts';

const every = (): boolean => true;

function web(id: string, given: Partial<ObservedContainer> = {}): ObservedContainer {
  const endpoints = [{ id, networkId: 'n1', networkName: 'net0', ipv4Address: '10.64.0.2' }];
  return containerOf(container('web', { networks: [attach('net0')] }), { endpoints, ...given });
}

function question(endpointId: string, changes: Partial<EndpointQuestion> = {}): EndpointQuestion {
  return { network: { name: 'net0', id: 'n1' }, name: 'web', endpointId, ...changes };
}

function learn(
  seen: SeenEndpoints,
  found: ObservedContainer,
  kind: EngineFacts['kind'] = 'cluster-store',
): boolean {
  return seen.learn({ engine: { ...facts, kind }, containers: [found] }, every);
}

test('one that an owned container has had is known, under its name and on its network only', () => {
  const seen = new SeenEndpoints();
  expect(learn(seen, web('e1'))).toBe(true);
  expect(learn(seen, web('e1'))).toBe(false);
  expect(seen.has(question('e1'))).toBe(true);
  expect(seen.has(question('e2'))).toBe(false);
  expect(seen.has(question('e1', { name: 'other' }))).toBe(false);
  expect(seen.has(question('e1', { network: { name: 'net0', id: 'n2' } }))).toBe(false);
});

test.each<[what: string, found: ObservedContainer, kind?: EngineFacts['kind']]>([
  ['a foreign container', web('e1', { labels: {} })],
  ['containers of a classic Swarm', web('e1'), 'classic-swarm'],
  ['a container that is not attached', web('e1', { endpoints: [] })],
])('%s teaches nothing', (_, found, kind) => {
  const seen = new SeenEndpoints();
  expect(learn(seen, found, kind)).toBe(false);
  expect(seen.toJson()).toEqual([]);
});

test('the last four of a container on a network are kept', () => {
  const seen = new SeenEndpoints();
  for (const id of ['e1', 'e2', 'e3', 'e4', 'e5']) learn(seen, web(id));
  expect(seen.toJson()).toEqual([['web', 'n1', ['e2', 'e3', 'e4', 'e5']]]);
});

test('what no manifest names any more is forgotten', () => {
  const seen = new SeenEndpoints();
  learn(seen, web('e1'));
  expect(seen.learn({ engine: facts, containers: [] }, () => false)).toBe(true);
  expect(seen.toJson()).toEqual([]);
});

test.each([undefined, 'text', [1], [['web', 'n1']], [['web', 2, ['e1']]], [['web', 'n1', [3]]]])(
  'anything else than what was saved is passed over: %j',
  (saved) => {
    const seen = new SeenEndpoints();
    seen.restore(saved);
    expect(seen.toJson()).toEqual([]);
  },
);
