import { objectKey, type Kind, type ObjectKey } from '../../pkg/api/index.ts';
import {
  DEFAULT_UPDATE_STRATEGY,
  type AliasObject,
  type AliasSpec,
  type ContainerObject,
  type ContainerSpec,
  type ManifestObject,
  type NetworkAttachment,
  type NetworkObject,
  type NetworkSpec,
  type Revision,
} from '../../pkg/manifest/index.ts';

type Common = Partial<Pick<ManifestObject, 'mode' | 'adopt' | 'prune' | 'labels' | 'annotations'>>;

const ORIGIN = { file: 'test.yaml', line: 1, column: 1 };

function common(
  kind: Kind,
  name: string,
  given: Common,
): Omit<NetworkObject, 'kind' | 'spec' | 'digest' | 'specHash' | 'recreate'> {
  return {
    key: objectKey(kind, name),
    name,
    labels: given.labels ?? {},
    annotations: given.annotations ?? {},
    mode: given.mode ?? 'enforce',
    adopt: given.adopt ?? false,
    prune: given.prune ?? true,
    origin: ORIGIN,
  };
}

/** An overlay unless the spec says otherwise. */
export function network(
  name: string,
  spec: Partial<NetworkSpec> = {},
  given: Common & { recreate?: boolean } = {},
): NetworkObject {
  const full: NetworkSpec = {
    driver: 'overlay',
    attachable: (spec.driver ?? 'overlay') === 'overlay',
    internal: false,
    encrypted: false,
    options: {},
    labels: {},
    ...spec,
  };
  const hash = JSON.stringify(full);
  return {
    ...common('Network', name, given),
    kind: 'Network',
    recreate: given.recreate ?? false,
    spec: full,
    digest: JSON.stringify([hash, given]),
    specHash: hash,
  };
}

/** A container of image `busybox` that always runs. */
export function container(
  name: string,
  spec: Partial<ContainerSpec> = {},
  given: Common = {},
): ContainerObject {
  const full: ContainerSpec = {
    image: 'busybox',
    imagePullPolicy: 'IfNotPresent',
    nodeConstraint: [],
    reschedule: 'never',
    updateStrategy: DEFAULT_UPDATE_STRATEGY,
    dependsOn: [],
    env: [],
    volumes: [],
    ports: [],
    restartPolicy: { name: 'always', maximumRetryCount: 0 },
    resources: { limits: {}, requests: {} },
    labels: {},
    ...spec,
  };
  const { networks, restartPolicy, resources, nodeConstraint, reschedule, ...others } = full;
  const { imagePullPolicy, updateStrategy, dependsOn, ...fixed } = others;
  const placed = { networks, restartPolicy, resources, nodeConstraint, reschedule };
  const live = { ...placed, imagePullPolicy, updateStrategy, dependsOn };
  const specHash = JSON.stringify(fixed);
  return {
    ...common('Container', name, given),
    kind: 'Container',
    spec: full,
    digest: JSON.stringify([specHash, live, given]),
    specHash,
  };
}

/** An alias on ovr0 under its own name. */
export function alias(
  name: string,
  spec: Partial<AliasSpec> & Pick<AliasSpec, 'selector'>,
  given: Common = {},
): AliasObject {
  const full: AliasSpec = { dnsName: name, network: 'ovr0', readiness: 'Running', ...spec };
  return {
    ...common('Alias', name, given),
    kind: 'Alias',
    spec: full,
    digest: JSON.stringify([full, given]),
    specHash: '',
  };
}

/** `attach('ovr0', 'nginx')`: the network and the aliases on it. */
export function attach(name: string, ...aliases: string[]): NetworkAttachment {
  return { name, aliases: aliases.sort() };
}

/** A revision of these objects; its digest follows from theirs. */
export function revision(objects: readonly ManifestObject[], undecided: readonly ObjectKey[] = []): Revision {
  return {
    digest: JSON.stringify(objects.map(({ digest }) => digest)),
    objects: new Map(objects.map((object) => [object.key, object])),
    undecided: new Set(undecided),
  };
}
