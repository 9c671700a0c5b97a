import type { NetworkObject } from '../manifest/index.ts';
import type { ObservedNetwork } from '../state/index.ts';

export interface Difference {
  readonly field: string;
  readonly observed: string;
  readonly desired: string;
}

/** What the manifest sets and the engine has otherwise. What it does not set is not compared. */
export function diffNetwork(object: NetworkObject, observed: ObservedNetwork): Difference[] {
  const { spec } = object;
  return [
    ...differs('driver', observed.driver, spec.driver),
    ...differs('internal', String(observed.internal), String(spec.internal)),
    ...attachableDiffers(object, observed),
    ...ipamDiffers(object, observed),
    ...optionsDiffer(object, observed),
    ...Object.entries(spec.labels).flatMap(([key, value]) =>
      differs(`labels[${key}]`, observed.labels[key] ?? 'absent', value),
    ),
  ];
}

function differs(field: string, observed: string, desired: string): Difference[] {
  return observed === desired ? [] : [{ field, observed, desired }];
}

/** Only Swarm-scope networks keep the flag: on a cluster store or a bridge every container may attach anyway. */
function attachableDiffers(object: NetworkObject, observed: ObservedNetwork): Difference[] {
  if (observed.scope !== 'swarm') return [];
  return differs('attachable', String(observed.attachable), String(object.spec.attachable));
}

function ipamDiffers(object: NetworkObject, observed: ObservedNetwork): Difference[] {
  const wanted = object.spec.ipam;
  if (!wanted) return [];
  const found = observed.subnets.find(({ subnet }) => subnet === wanted.subnet);
  if (!found)
    return differs(
      'ipam.subnet',
      observed.subnets.map(({ subnet }) => subnet).join(' ') || 'none',
      wanted.subnet,
    );
  return [
    ...(wanted.gateway ? differs('ipam.gateway', found.gateway ?? 'none', wanted.gateway) : []),
    ...(wanted.ipRange ? differs('ipam.ipRange', found.ipRange ?? 'none', wanted.ipRange) : []),
  ];
}

function optionsDiffer(object: NetworkObject, observed: ObservedNetwork): Difference[] {
  const { spec } = object;
  const found = observed.options;
  const isEncrypted = 'encrypted' in found && found.encrypted !== 'false';
  return [
    ...(spec.driver === 'overlay' ? differs('encrypted', String(isEncrypted), String(spec.encrypted)) : []),
    ...(spec.mtu === undefined
      ? []
      : differs('mtu', found['com.docker.network.driver.mtu'] ?? 'default', String(spec.mtu))),
    ...Object.entries(spec.options).flatMap(([key, value]) =>
      differs(`options[${key}]`, found[key] ?? 'absent', value),
    ),
  ];
}
