import { ownerLabels } from '../../pkg/api/index.ts';
import { DEFAULT_UPDATE_STRATEGY, type ContainerSpec, type NetworkSpec } from '../../pkg/manifest/index.ts';

/** The labels of an object that ovr made. */
export function ownedLabels(kind: 'Container' | 'Network', name: string): Record<string, string> {
  return ownerLabels({ cluster: 'contract', kind, name, specHash: 'sha256-contract' });
}

/** A container that runs until it is stopped, with every default. */
export function containerSpec(image: string, changes: Partial<ContainerSpec> = {}): ContainerSpec {
  return {
    image,
    imagePullPolicy: 'Never',
    nodeConstraint: [],
    reschedule: 'never',
    updateStrategy: DEFAULT_UPDATE_STRATEGY,
    dependsOn: [],
    command: ['sleep', '1000'],
    env: [],
    volumes: [],
    ports: [],
    restartPolicy: { name: 'no', maximumRetryCount: 0 },
    resources: { limits: {}, requests: {} },
    labels: {},
    ...changes,
  };
}

/** A network with every default. */
export function networkSpec(driver: NetworkSpec['driver'], changes: Partial<NetworkSpec> = {}): NetworkSpec {
  return {
    driver,
    attachable: driver === 'overlay',
    internal: false,
    encrypted: false,
    options: {},
    labels: {},
    ...changes,
  };
}
