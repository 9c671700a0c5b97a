import { cp } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { formatCause } from '../../pkg/api/index.ts';
import type { ActResult } from './acts.ts';
import { until, type Stage, type StageHost } from './stage.ts';

const ROAMING = resolve(import.meta.dirname, '../../manifests/cluster/roaming.yaml');
const ROAMER = 'roamer';

/**
 * An unpinned container is placed; its host loses power; another host runs it, and nothing else is touched; the host comes back and
 * does not run it a second time.
 */
export async function hostDies(stage: Stage, tell: (line: string) => void): Promise<ActResult[]> {
  tell('\n$ cp roaming.yaml: a container for any node but the master');
  await cp(ROAMING, join(stage.manifests, 'roaming.yaml'));
  await until('one node runs it', async () => (await nodesOf(stage)).length === 1);
  const victim = await only(stage);
  tell(`  ovr placed it on ${victim.name}`);
  const others = stage.hosts.filter((host) => host !== victim);
  const before = await Promise.all(others.map((host) => host.containerIds()));
  const seen = await Promise.all(others.map(async (host) => (await host.events(0)).at(-1)?.id ?? 0));

  tell(`\n$ the power of ${victim.name} fails`);
  await victim.die();
  const doneMs = Date.now();
  await until('another node runs it', async () => (await nodesOf(stage, others)).length === 1);
  const heir = await only(stage, others);
  const at = others.indexOf(heir);
  const actions = (await heir.events(seen[at] ?? 0)).filter(
    ({ type, key }) => type === 'Action' && key === `Container/${ROAMER}`,
  );
  const [first] = actions;
  const cause = first?.cause ? formatCause(first.cause) : '';
  const names = actions.map(({ action }) => action).join(', ');
  const repairMs = (actions.at(-1)?.timeMs ?? doneMs) - doneMs;
  tell(
    `  ovr on ${heir.name}: ${cause}\n  did: ${names}\n  ${(repairMs / 1000).toFixed(1)} s after the failure (${stage.lostAfter})`,
  );
  await nothingElseTouched(others, before);
  tell('  ok: nothing else was touched');

  tell(`\n$ ${victim.name} is back`);
  await victim.revive();
  await until('every ovrd says converged', async () => {
    const statuses = await Promise.all(stage.hosts.map((host) => host.status()));
    return statuses.every(
      ({ converged, coordinator }) => converged && coordinator.members.length === stage.hosts.length,
    );
  });
  if ((await only(stage)) !== heir) throw new Error('the container moved again');
  await nothingElseTouched(others, before);
  tell(`  ok: ${ROAMER} stayed on ${heir.name} and runs once`);
  return [{ act: `the power of its host fails (${ROAMER})`, cause, actions: names, repairMs }];
}

async function nodesOf(stage: Stage, hosts: readonly StageHost[] = stage.hosts): Promise<StageHost[]> {
  const running = await Promise.all(hosts.map((host) => host.running()));
  return hosts.filter((_, index) => running[index]?.includes(ROAMER));
}

async function only(stage: Stage, hosts: readonly StageHost[] = stage.hosts): Promise<StageHost> {
  const [first, second] = await nodesOf(stage, hosts);
  if (!first || second) throw new Error(`${ROAMER} runs on ${second ? 'more than one node' : 'no node'}`);
  return first;
}

async function nothingElseTouched(
  hosts: readonly StageHost[],
  before: readonly ReadonlyMap<string, string>[],
): Promise<void> {
  for (const [index, host] of hosts.entries()) {
    const now = await host.containerIds();
    for (const [name, id] of before[index] ?? []) {
      if (now.get(name) !== id) throw new Error(`${name} on ${host.name} was touched`);
    }
  }
}
