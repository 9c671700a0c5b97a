import type { Ipam, NetworkSpec } from '../manifest/index.ts';
import type { NetworkCreate } from '../plan/index.ts';
import { isAtLeast } from './version.ts';

/** The label by which all of Docker's own drivers take the MTU. */
const MTU_OPTION = 'com.docker.network.driver.mtu';

/** The body of a network create. */
export function networkBody({ name, spec, labels }: NetworkCreate, apiVersion: string): object {
  return {
    Name: name,
    Driver: spec.driver,
    Internal: spec.internal,
    // From 25 on Docker refuses a second network of a name by itself.
    ...(isAtLeast(apiVersion, '1.44') ? {} : { CheckDuplicate: true }),
    ...(isAtLeast(apiVersion, '1.25') ? { Attachable: spec.attachable } : {}),
    ...(spec.ipam === undefined ? {} : { IPAM: ipamBody(spec.ipam) }),
    Options: optionsOf(spec),
    Labels: labels,
  };
}

function ipamBody({ subnet, gateway, ipRange }: Ipam): object {
  const config = {
    Subnet: subnet,
    ...(gateway === undefined ? {} : { Gateway: gateway }),
    ...(ipRange === undefined ? {} : { IPRange: ipRange }),
  };
  return { Driver: 'default', Config: [config] };
}

function optionsOf({ options, encrypted, mtu }: NetworkSpec): Record<string, string> {
  return {
    ...options,
    // The overlay driver looks for the key alone.
    ...(encrypted ? { encrypted: '' } : {}),
    ...(mtu === undefined ? {} : { [MTU_OPTION]: mtu.toString() }),
  };
}
