import type { Kind, Reason } from '../api/index.ts';
import type { ActionType } from '../plan/index.ts';

/** Fields that can drift, without names in brackets. Counted from 0, so that the first drift is a rise and not a new series. */
export const DRIFT_FIELDS: Readonly<Record<Kind, readonly string[]>> = {
  Network: [
    'network',
    'driver',
    'internal',
    'attachable',
    'encrypted',
    'mtu',
    'ipam.subnet',
    'ipam.gateway',
    'ipam.ipRange',
    'options',
    'labels',
  ],
  Container: [
    'container',
    'name',
    'spec',
    'state',
    'networks',
    'networks.id',
    'networks.aliases',
    'networks.ipv4Address',
    'restartPolicy',
    'resources.limits.cpu',
    'resources.limits.memory',
  ],
  // What drifts is the container's endpoint, and shows there.
  Alias: [],
};

const MAKING: readonly Reason[] = [
  'ManifestAdded',
  'Placed',
  'ManifestChanged',
  'SecretChanged',
  'Missing',
  'SpecDiffers',
];
const ENDING: readonly Reason[] = [
  'Replaced',
  'ManifestRemoved',
  'ManifestChanged',
  'SecretChanged',
  'ConstraintUnmet',
  'Moved',
  'SpecDiffers',
];
const MENDING: readonly Reason[] = [
  'AliasesDiffer',
  'AliasMoved',
  'AliasSwitched',
  'HolderReady',
  'HolderUnready',
  'AddressDiffers',
  'AddressChanged',
  'NetworkReplaced',
  'Unpublished',
];

/** The causes each action usually has; counted from 0. All that are possible would be some 700 series, most of them never seen. */
export const USUAL_CAUSES: Readonly<Record<ActionType, readonly Reason[]>> = {
  CreateNetwork: ['ManifestAdded', 'ManifestChanged', 'Missing'],
  RemoveNetwork: ['ManifestRemoved', 'ManifestChanged', 'Duplicate'],
  EnsureImage: MAKING,
  CreateContainer: MAKING,
  ConnectEndpoint: [...MAKING, ...MENDING, 'EndpointMissing'],
  DisconnectEndpoint: [...MENDING, 'EndpointUnexpected'],
  StartContainer: [...MAKING, 'NotRunning'],
  VerifyRunning: [...MAKING, 'NotRunning'],
  UnpauseContainer: ['Paused'],
  UpdateContainer: ['ManifestChanged', 'RestartPolicyDiffers', 'ResourcesDiffer'],
  StopContainer: [...ENDING, 'Fenced'],
  RenameContainer: ['Renamed', 'ManifestChanged', 'SecretChanged', 'SpecDiffers'],
  RemoveContainer: ENDING,
};
