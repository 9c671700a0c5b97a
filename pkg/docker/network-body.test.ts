import { describe, expect, it } from 'vitest';
import type { NetworkSpec } from '../manifest/index.ts';
import { networkBody } from './network-body.ts';

const OVERLAY: NetworkSpec = {
  driver: 'overlay',
  attachable: true,
  internal: false,
  encrypted: false,
  options: {},
  labels: {},
};

function bodyOf(spec: Partial<NetworkSpec>, apiVersion = '1.41'): object {
  const labels = { 'ovr.kind': 'Network' };
  return networkBody({ name: 'ovr0', labels, spec: { ...OVERLAY, ...spec } }, apiVersion);
}

const PLAIN = {
  Name: 'ovr0',
  Driver: 'overlay',
  Internal: false,
  Options: {},
  Labels: { 'ovr.kind': 'Network' },
};

describe('the body of a network create', () => {
  it.each([
    ['1.22', { CheckDuplicate: true }],
    ['1.24', { CheckDuplicate: true }],
    ['1.25', { CheckDuplicate: true, Attachable: true }],
    ['1.43', { CheckDuplicate: true, Attachable: true }],
    ['1.44', { Attachable: true }],
  ])('for API %s', (apiVersion, more) => {
    expect(bodyOf({}, apiVersion)).toEqual({ ...PLAIN, ...more });
  });

  it('has all of the addresses', () => {
    const ipam = { subnet: '10.0.9.0/24', gateway: '10.0.9.1', ipRange: '10.0.9.128/25' };
    expect(bodyOf({ ipam })).toMatchObject({
      IPAM: {
        Driver: 'default',
        Config: [{ Subnet: '10.0.9.0/24', Gateway: '10.0.9.1', IPRange: '10.0.9.128/25' }],
      },
    });
    expect(bodyOf({ ipam: { subnet: '10.0.9.0/24' } })).toMatchObject({
      IPAM: { Config: [{ Subnet: '10.0.9.0/24' }] },
    });
  });

  it('has encryption and MTU among the options of the driver', () => {
    expect(bodyOf({ encrypted: true, mtu: 1400, options: { a: 'b' }, internal: true })).toMatchObject({
      Internal: true,
      Options: { a: 'b', encrypted: '', 'com.docker.network.driver.mtu': '1400' },
    });
  });
});
