import { expect, test } from 'vitest';
import { attach, container, network } from '../../../test/build/objects.ts';
import { condition, converged } from '../../../test/build/simulated.ts';

const net0 = network('net0', { driver: 'bridge', ipam: { subnet: '10.0.9.0/24' } });
const key = 'Container/web';
const web = container('web', { networks: [attach('net0', 'w')] });
const pinned = container('web', { networks: [{ ...attach('net0', 'w'), ipv4Address: '10.0.9.44' }] });
const probe = container('probe', { networks: [attach('net0')] });

type Bench = Awaited<ReturnType<typeof converged>>;

function address({ world, host }: Bench): string | undefined {
  return world.resolve(host.name, 'probe', 'web')[0];
}

function actions({ agent }: Bench): string[] {
  const object = agent.reconciler.status().objects.find((each) => each.key === key);
  return (object?.history ?? []).flatMap(({ action, cause }) =>
    cause.reason === 'Unpublished' ? [action] : [],
  );
}

test.each([
  ['under its address', web, 'kept', true],
  ['under another, where what is known of the old one is wrong', web, 'another', false],
  ['under its own all the same, where it is pinned', pinned, 'another', true],
] as const)('an endpoint that is not served is made again, %s', async (_, object, wanted, isSame) => {
  const it = await converged([net0, object, probe]);
  const before = address(it);
  expect(it.agent.reconciler.republish({ key, network: 'net0', address: wanted, why: 'NXDOMAIN' })).toBe(
    'taken',
  );
  await it.agent.run();
  expect(actions(it)).toEqual(['DisconnectEndpoint', 'ConnectEndpoint']);
  expect(address(it) === before).toBe(isSame);
  expect(it.world.resolve(it.host.name, 'probe', 'w')).toEqual([address(it)]);
  expect(condition(it.agent, key)).toBe('Ready');
  const [object0] = it.agent.reconciler.status().objects.filter((each) => each.key === key);
  expect(object0?.heals).toMatchObject([{ playbook: 'republish-endpoint', saw: 'networks[net0]: NXDOMAIN' }]);
});

test('once for a finding, and not again while it waits', async () => {
  const it = await converged([net0, web, probe]);
  const finding = { key, network: 'net0', address: 'kept', why: 'NXDOMAIN' } as const;
  expect(it.agent.reconciler.republish(finding)).toBe('taken');
  expect(it.agent.reconciler.republish(finding)).toBe('known');
  await it.agent.run(300_000);
  expect(actions(it)).toHaveLength(2);
});

test('five times in 300 s, then it is told that this does not help', async () => {
  const it = await converged([net0, web, probe]);
  const finding = { key, network: 'net0', address: 'kept', why: 'NXDOMAIN' } as const;
  for (let time = 0; time < 5; time += 1) {
    expect(it.agent.reconciler.republish(finding)).toBe('taken');
    await it.agent.run();
  }
  expect(it.agent.reconciler.republish(finding)).toBe('too-often');
  expect(actions(it)).toHaveLength(10);
  expect(it.agent.reconciler.events(0).at(-1)).toMatchObject({ type: 'Heal', severity: 'warning', key });
});

test.each([
  ['that no manifest declares', 'Container/guest', 'net0'],
  ['on a network that it is not on', key, 'other'],
] as const)('nothing %s is touched', async (_, object, wanted) => {
  const it = await converged([net0, web, probe]);
  it.host.hand.runContainer('guest', { network: 'net0' });
  await it.agent.run();
  const before = JSON.stringify(it.host.observe().containers.filter(({ name }) => name === 'guest'));
  it.agent.reconciler.republish({ key: object, network: wanted, address: 'another', why: 'NXDOMAIN' });
  await it.agent.run(60_000);
  expect(JSON.stringify(it.host.observe().containers.filter(({ name }) => name === 'guest'))).toBe(before);
  expect(actions(it)).toEqual([]);
});
