/** Makes separate daemons one cluster. */
import type { LabHost } from './host.ts';
import { startInside } from './machine.ts';
import { join } from 'node:path';
import { until } from './run.ts';
import { type LabState, hostFolder } from './state.ts';

async function storeAnswers(ip: string): Promise<boolean> {
  const answer = await fetch(`http://${ip}:2379/health`, { signal: AbortSignal.timeout(1_000) }).catch(
    () => undefined,
  );
  return answer?.ok === true && (await answer.text()).includes('true');
}

/** Starts etcd, the daemons' cluster store, on the first host. */
export async function startStore(lab: LabState): Promise<void> {
  const [first] = lab.hosts;
  if (!first?.init) throw new Error('the first host is not running');
  const log = join(hostFolder(lab.name, first.name), 'etcd.log');
  await startInside(lab.name, first.init, log, [
    'etcd',
    '--name=store',
    '--data-dir=/run/etcd',
    '--enable-v2',
    `--listen-client-urls=http://${first.ip}:2379`,
    `--advertise-client-urls=http://${first.ip}:2379`,
    '--listen-peer-urls=http://127.0.0.1:2380',
  ]);
  await until('etcd', 20_000, async () => ((await storeAnswers(first.ip)) ? true : undefined));
}

async function areMet(hosts: LabHost[]): Promise<boolean> {
  const met = await Promise.all(hosts.map((host) => host.gossipMet()));
  return met.every((names) => hosts.every(({ name }) => names.has(name)));
}

/**
 * Starts the daemons of a cluster store one after the other, each when those before have met. A daemon asks only once to be let into the
 * gossip of another one; when that one is not up yet, it stays out, and containers of their hosts never find a way to each other.
 */
export async function startInTurn(hosts: LabHost[]): Promise<void> {
  for (const [index, host] of hosts.entries()) {
    const started = hosts.slice(0, index + 1);
    await host.startDaemon();
    await until(`${host.name} to meet the other daemons`, 30_000, async () =>
      (await areMet(started)) ? true : undefined,
    );
  }
}

async function readyNodes(manager: LabHost): Promise<number> {
  const list = await manager.docker(['node', 'ls', '--format', '{{.Status}} {{.Availability}}'], {
    timeoutMs: 5_000,
  });
  return list.split('\n').filter((line) => line === 'Ready Active').length;
}

/** Makes the first host a Swarm manager and the others its workers. */
export async function formSwarm(hosts: LabHost[]): Promise<void> {
  const [manager, ...workers] = hosts as [LabHost, ...LabHost[]];
  const at = (host: LabHost): string[] => ['--advertise-addr', host.ip, '--listen-addr', `${host.ip}:2377`];
  await manager.docker(['swarm', 'init', ...at(manager)]);
  const token = await manager.docker(['swarm', 'join-token', '--quiet', 'worker']);
  await Promise.all(
    workers.map((worker) =>
      worker.docker(['swarm', 'join', '--token', token, ...at(worker), `${manager.ip}:2377`]),
    ),
  );
  await until('all Swarm nodes to be ready', 60_000, async () =>
    (await readyNodes(manager)) === hosts.length ? true : undefined,
  );
}

/** Whether daemons that answer are the cluster that they should be. */
export async function clusterIsWhole(lab: LabState, hosts: LabHost[]): Promise<boolean> {
  const [first] = hosts;
  if (first === undefined) return false;
  if (lab.topology === 'kv') return await storeAnswers(first.ip);
  if (lab.topology === 'swarm') return (await readyNodes(first).catch(() => 0)) === hosts.length;
  return true;
}
