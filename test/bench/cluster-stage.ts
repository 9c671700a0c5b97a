/** Three Docker hosts with a cluster store, the built ovrd on each, and a ZooKeeper: for what happens between hosts. */
import { type Document, container, labelled, manifest, place } from '../build/live.ts';
import { type LiveCluster, openCluster } from '../build/live-cluster.ts';
import { until } from '../lab/run.ts';

export const CLUSTER_LAB = 'bench-cluster';
export const NETWORK = 'ovr0';
/** The containers from which the name is seen and asked are on the first host, the name's holders on the two others. */
export const CLIENT = 'client';
const FILE = 'bench.yaml';
const PATIENCE_MS = 120_000;

/** Runs an empty cluster while `work` lasts; its agents have their defaults. */
export async function withCluster<T>(work: (cluster: LiveCluster) => Promise<T>): Promise<T> {
  const cluster = await openCluster({
    name: CLUSTER_LAB,
    sessionTimeoutMs: 10_000,
    nodeLostAfterMs: 60_000,
    from: 'dist',
    args: ['--resync', '60s'],
  });
  try {
    for (const at of cluster.lab.hosts.keys()) await cluster.start(at);
    return await work(cluster);
  } finally {
    await cluster.close();
  }
}

/** A container on one host, labelled `app: web` and `track: NAME` for the selector of an alias. */
export function holder(
  cluster: LiveCluster,
  at: { readonly name: string; readonly host: number },
  spec: Document['spec'] = {},
): Document {
  const nodeConstraint = `node==${cluster.lab.hosts[at.host]?.name ?? ''}`;
  const placed = container(at.name, { ...spec, networks: [NETWORK], nodeConstraint });
  return labelled(placed, { app: 'web', track: at.name });
}

/** Puts everything that is declared in place. */
export function declare(cluster: LiveCluster, documents: readonly Document[]): Promise<void> {
  return place(cluster.manifests, FILE, manifest(...documents));
}

/** Waits until an agent says that the name leads to this container and to no other. */
export async function leadsTo(cluster: LiveCluster, name: string, container: string): Promise<void> {
  await until(`${name} leads to ${container}`, PATIENCE_MS, async () => {
    const alias = (await cluster.view()).aliases.find((one) => one.name === name);
    const having = alias?.holders.filter(({ has }) => has).map((one) => one.container);
    return (alias?.isSettled === true && having?.join() === container) || undefined;
  });
}

export function addressOf(cluster: LiveCluster, at: number, container: string): Promise<string> {
  const docker = cluster.nodes[at]?.docker;
  if (docker === undefined) throw new Error(`no ovrd runs on host ${at}`);
  return docker
    .mustInspect(container)
    .then(({ NetworkSettings }) => NetworkSettings.Networks[NETWORK]?.IPAddress ?? '');
}
