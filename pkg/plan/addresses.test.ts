import { expect, test } from 'vitest';
import { container, network as declared } from '../../test/build/objects.ts';
import { containerOf, networkOf } from '../../test/build/observed.ts';
import type { ObservedNetwork } from '../state/index.ts';
import { countAddresses, heldAddresses } from './addresses.ts';

function observedNetwork(given: Partial<ObservedNetwork>): ObservedNetwork {
  return networkOf(declared('net0'), given);
}

test.each([
  ['a /24 without network, broadcast and gateway', { subnet: '10.0.9.0/24', gateway: '10.0.9.1' }, 253],
  ['a gateway that is not told', { subnet: '10.0.9.0/24' }, 253],
  ['a /30', { subnet: '10.0.9.0/30', gateway: '10.0.9.1' }, 1],
  ['a range in the middle', { subnet: '10.0.9.0/24', gateway: '10.0.9.1', ipRange: '10.0.9.128/26' }, 64],
  [
    'a range with the gateway in it',
    { subnet: '10.0.9.0/24', gateway: '10.0.9.1', ipRange: '10.0.9.0/26' },
    62,
  ],
  ['no room at all', { subnet: '10.0.9.1/32', gateway: '10.0.9.1' }, undefined],
  ['IPv6', { subnet: 'fd00::/64' }, undefined],
])('%s', (_, subnet, total) => {
  const network = observedNetwork({ subnets: [subnet] });
  expect(countAddresses(network, 0)?.total).toBe(total);
});

test('nothing is known of a network without a subnet', () => {
  expect(countAddresses(observedNetwork({ subnets: [] }), 0)).toBeUndefined();
});

test.each([
  ['local', 2],
  ['global', 2],
  ['swarm', 3],
] as const)(
  'on a network of scope %s: its endpoints with an address, and what Swarm mode keeps',
  (scope, used) => {
    const network = observedNetwork({ scope, subnets: [{ subnet: '10.0.9.0/24' }] });
    const on = (ipv4Address: string, networkId = network.id): ReturnType<typeof containerOf> =>
      containerOf(container('web'), { endpoints: [{ networkId, networkName: 'net0', ipv4Address }] });
    const attached = [on('10.0.9.2'), on('10.0.9.3'), on(''), on('10.0.8.2', 'other')];
    expect(countAddresses(network, heldAddresses(attached).get(network.id) ?? 0)?.used).toBe(used);
  },
);
