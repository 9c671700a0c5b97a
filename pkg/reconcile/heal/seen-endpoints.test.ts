import { expect, test } from 'vitest';
import { containerOf, facts } from '../../../test/build/observed.ts';
import { attach, container } from '../../../test/build/objects.ts';
import type { EngineFacts, ObservedContainer, ObservedNetwork } from '../../state/index.ts';
import type { EndpointQuestion } from '../ports.ts';
import { SeenEndpoints } from './seen-endpoints.ts';

const store: EngineFacts = { ...facts, kind: 'cluster-store' };
const elsewhere: EngineFacts = { ...store, node: { ...store.node, ip: '10.6.17.99' } };

function web(id: string, given: Partial<ObservedContainer> = {}): ObservedContainer {
  const endpoints = [{ id, networkId: 'n1', networkName: 'net0', ipv4Address: '10.64.0.2' }];
  return containerOf(container('web', { networks: [attach('net0')] }), { endpoints, ...given });
}

function question(endpointId: string, changes: Partial<EndpointQuestion> = {}): EndpointQuestion {
  return { network: { name: 'net0', id: 'n1' }, name: 'web', endpointId, ...changes };
}

/** One look at the engine; returns whether it taught anything. */
function learn(
  seen: SeenEndpoints,
  containers: readonly ObservedContainer[],
  { engine = store, scope = 'global', isKept = true }: Partial<Look> = {},
): boolean {
  const networks = [{ id: 'n1', name: 'net0', scope } as ObservedNetwork];
  return seen.learn({ engine, networks, containers }, () => isKept);
}

interface Look {
  readonly engine: EngineFacts;
  readonly scope: ObservedNetwork['scope'];
  readonly isKept: boolean;
}

/** What an agent knows after a restart. */
function restarted(seen: SeenEndpoints): SeenEndpoints {
  const next = new SeenEndpoints();
  next.restore(JSON.parse(JSON.stringify(seen.toJson())));
  return next;
}

test('one that an owned container has had is known, under its name and on its network only', () => {
  const seen = new SeenEndpoints();
  expect(learn(seen, [web('e1')])).toBe(true);
  expect(learn(seen, [web('e1')])).toBe(false);
  expect(learn(seen, [])).toBe(false);
  expect(seen.has(question('e1'))).toBe(true);
  expect(seen.has(question('e2'))).toBe(false);
  expect(seen.has(question('e1', { name: 'other' }))).toBe(false);
  expect(seen.has(question('e1', { network: { name: 'net0', id: 'n2' } }))).toBe(false);
});

test.each<[what: string, found: ObservedContainer, look?: Partial<Look>]>([
  ['a foreign container', web('e1', { labels: {} })],
  ['containers of a classic Swarm', web('e1'), { engine: { ...store, kind: 'classic-swarm' } }],
  ['a network of this engine alone', web('e1'), { scope: 'local' }],
  ['a container that is not attached', web('e1', { endpoints: [] })],
])('%s teaches nothing', (_, found, look) => {
  const seen = new SeenEndpoints();
  expect(learn(seen, [found], look)).toBe(false);
  expect(seen.has(question('e1'))).toBe(false);
});

test('the last two of a container on a network are kept', () => {
  const seen = new SeenEndpoints();
  for (const id of ['e1', 'e2', 'e3']) learn(seen, [web(id)]);
  expect(['e1', 'e2', 'e3'].map((id) => seen.has(question(id)))).toEqual([false, true, true]);
});

test('what no manifest names any more is forgotten', () => {
  const seen = new SeenEndpoints();
  learn(seen, [web('e1')]);
  expect(learn(seen, [web('e1')], { isKept: false })).toBe(true);
  expect(seen.has(question('e1'))).toBe(false);
});

test('it lasts through restarts of the agent, once the engine has been seen', () => {
  const seen = new SeenEndpoints();
  learn(seen, [web('e1')]);
  const twice = restarted(restarted(seen));
  expect(twice.has(question('e1'))).toBe(false);
  expect(learn(twice, [])).toBe(false);
  expect(twice.has(question('e1'))).toBe(true);
});

test('a state folder that was copied from another host tells nothing', () => {
  const seen = new SeenEndpoints();
  learn(seen, [web('e1')]);
  const copied = restarted(seen);
  learn(copied, [], { engine: elsewhere });
  expect(copied.has(question('e1'))).toBe(false);
});

test('an agent whose engine becomes another one forgets those of the one before', () => {
  const seen = new SeenEndpoints();
  learn(seen, [web('e1')]);
  learn(seen, [web('e2')], { engine: elsewhere });
  expect([seen.has(question('e1')), seen.has(question('e2'))]).toEqual([false, true]);
});

test.each([
  undefined,
  null,
  'text',
  [['web', 'n1', ['e1']]],
  { engine: 7, rows: [] },
  { engine: 'E1 10.6.17.12', rows: [['web', 'n1', [3]], ['web'], 1] },
])('anything else than what was saved is passed over: %j', (saved) => {
  const seen = new SeenEndpoints();
  seen.restore(saved);
  learn(seen, []);
  expect(seen.toJson()).toEqual({ engine: 'E1 10.6.17.12', rows: [] });
});
