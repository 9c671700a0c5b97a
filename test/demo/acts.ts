import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { formatCause, type Playbook, type Reason } from '../../pkg/api/index.ts';
import type { AgentEvent } from '../../pkg/reconcile/index.ts';
import { until, type Stage, type StageHost } from './stage.ts';

const ARTICLE = resolve(import.meta.dirname, '../../manifests/article');

/** One line of the closing table. */
export interface ActResult {
  readonly act: string;
  readonly cause: string;
  readonly actions: string;
  /** From the moment the deed was done to the end of ovr's last action. */
  readonly repairMs?: number;
}

export interface Players {
  readonly stage: Stage;
  readonly master: StageHost;
  readonly node1: StageHost;
  readonly node2: StageHost;
}

export interface Act {
  readonly title: string;
  /** The host whose ovrd has to act. */
  readonly host: (players: Players) => StageHost;
  readonly object: string;
  readonly deed: (players: Players) => Promise<void>;
  /** What ovr has to give as the reason. */
  readonly reason: Reason;
  /** How it has to be healed. */
  readonly playbook?: Playbook;
  readonly holds: (players: Players) => Promise<boolean>;
}

export function sameItems(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

/** Puts the article's manifests in place and waits until all it promises is there. */
export async function converge(stage: Stage, tell: (line: string) => void): Promise<ActResult[]> {
  const players = cast(stage);
  const { node1, node2 } = players;
  const began = performance.now();
  await cp(ARTICLE, stage.manifests, { recursive: true });
  await until('every ovrd says converged', async () => {
    const statuses = await Promise.all(stage.hosts.map((host) => host.status()));
    return statuses.every(({ converged, objects }) => converged && objects.length > 0);
  });
  const took = performance.now() - began;
  const ids = await Promise.all(stage.hosts.map((host) => host.networkIds('ovr0')));
  check(
    'the overlay ovr0 is on every host, once, with one ID',
    new Set(ids.flat()).size === 1 && ids.every(({ length }) => length === 1),
  );
  check(
    'nginx_web_1 and ssh-1 run on swarm-node-1',
    sameItems(await node1.running(), ['nginx_web_1', 'ssh-1']),
  );
  check(
    'nginx_web_2 and ssh-2 run on swarm-node-2',
    sameItems(await node2.running(), ['nginx_web_2', 'ssh-2']),
  );
  check('nothing runs on swarm-master', (await players.master.running()).length === 0);
  // Daemons tell each other of new endpoints in their own time.
  await soon('nginx_web_1 pings nginx_web_2 across hosts', () => node1.ping('nginx_web_1', 'nginx_web_2'));
  await soon(
    'the alias nginx has two A records',
    async () => (await node1.resolve('nginx_web_1', 'nginx')).length === 2,
  );
  await soon(
    'port 8001 answers on both nodes',
    async () => (await node1.answers(8001)) && (await node2.answers(8001)),
  );
  return [
    {
      act: 'the article from nothing',
      cause: 'ManifestAdded',
      actions: 'network, 4 containers',
      repairMs: took,
    },
  ];

  async function soon(what: string, isSo: () => Promise<boolean>): Promise<void> {
    await until(what, isSo, 20_000);
    check(what, true);
  }

  function check(what: string, isSo: boolean): void {
    if (!isSo) throw new Error(`not so: ${what}`);
    tell(`  ok: ${what}`);
  }
}

const ACTS: readonly Act[] = [
  {
    title: 'docker network disconnect ovr0 nginx_web_2',
    host: ({ node2 }) => node2,
    object: 'Container/nginx_web_2',
    deed: ({ node2 }) => node2.hand.disconnect('nginx_web_2', 'ovr0'),
    reason: 'EndpointMissing',
    holds: async ({ node1, node2 }) =>
      (await node2.resolve('nginx_web_2', 'nginx')).length === 2 && node1.ping('nginx_web_1', 'nginx_web_2'),
  },
  {
    title: 'docker rm --force nginx_web_1',
    host: ({ node1 }) => node1,
    object: 'Container/nginx_web_1',
    deed: ({ node1 }) => node1.hand.remove('nginx_web_1'),
    reason: 'Missing',
    holds: async ({ node1 }) => (await node1.resolve('nginx_web_1', 'nginx')).length === 2,
  },
  {
    title: 'docker stop nginx_web_1',
    host: ({ node1 }) => node1,
    object: 'Container/nginx_web_1',
    deed: ({ node1 }) => node1.hand.stop('nginx_web_1'),
    reason: 'NotRunning',
    holds: async ({ node1 }) => (await node1.resolve('nginx_web_1', 'nginx')).length === 2,
  },
  {
    title: 'docker network disconnect, then connect without the alias (before ovrd could look)',
    host: ({ node2 }) => node2,
    object: 'Container/nginx_web_2',
    deed: ({ node2 }) =>
      node2.unseen(async () => {
        await node2.hand.disconnect('nginx_web_2', 'ovr0');
        await node2.hand.connect('nginx_web_2', 'ovr0');
      }),
    reason: 'AliasesDiffer',
    holds: async ({ node1 }) => (await node1.resolve('nginx_web_1', 'nginx')).length === 2,
  },
  {
    title: 'docker rm --force nginx_web_2, and its daemon dies before it takes the endpoint out of the store',
    host: ({ node2 }) => node2,
    object: 'Container/nginx_web_2',
    deed: ({ node2 }) =>
      node2.unseen(async () => {
        await node2.hand.remove('nginx_web_2');
        await node2.hand.leaveEndpoint('nginx_web_2', 'ovr0');
      }),
    reason: 'Missing',
    playbook: 'stale-endpoint',
    holds: async ({ node1, node2 }) =>
      (await node1.resolve('nginx_web_1', 'nginx')).length === 2 && node2.ping('nginx_web_2', 'nginx_web_1'),
  },
  {
    title: 'manifest edited: another alias for nginx_web_1',
    host: ({ node1 }) => node1,
    object: 'Container/nginx_web_1',
    deed: ({ stage }) =>
      edit(stage, 'nginx.yaml', (text) => text.replace('aliases: [nginx]', 'aliases: [nginx, first]')),
    reason: 'AliasesDiffer',
    holds: async ({ node2 }) => (await node2.resolve('nginx_web_2', 'first')).length === 1,
  },
];

/** Breaks one thing after the other and waits for each repair. */
export async function breakThings(stage: Stage, tell: (line: string) => void): Promise<ActResult[]> {
  const players = cast(stage);
  const results: ActResult[] = [];
  for (const act of ACTS) results.push(await play(act, players, tell));
  results.push(await syntaxError(players, tell));
  results.push(await deletion(players, tell));
  return results;
}

export function cast(stage: Stage): Players {
  const [master, node1, node2] = stage.hosts;
  if (!master || !node1 || !node2) throw new Error('the story needs three hosts');
  return { stage, master, node1, node2 };
}

export async function play(act: Act, players: Players, tell: (line: string) => void): Promise<ActResult> {
  const host = act.host(players);
  const seen = await lastEventId(host);
  const healsBefore = act.playbook ? await host.heals(act.playbook) : 0;
  tell(`\n$ ${act.title}`);
  await act.deed(players);
  const doneMs = Date.now();
  await until(`${act.object} is repaired after: ${act.title}`, async () => {
    const { converged } = await host.status();
    const actions = await actionsOf(host, act.object, seen);
    return converged && actions.length > 0 && act.holds(players);
  });
  const actions = await actionsOf(host, act.object, seen);
  const causes = actions.flatMap(({ cause }) => (cause ? [cause] : []));
  const told = causes.find(({ reason }) => reason === act.reason);
  if (!told) {
    throw new Error(`ovr gave another cause than ${act.reason}: ${causes.map(formatCause).join('; ')}`);
  }
  const repairMs = Math.max(0, (actions.at(-1)?.timeMs ?? doneMs) - doneMs);
  const cause = formatCause(told);
  const names = actions.map(({ action }) => action).join(', ');
  tell(`  ovr on ${host.name}: ${cause}\n  did: ${names}\n  repaired in ${repairMs} ms`);
  if (!act.playbook) return { act: act.title, cause, actions: names, repairMs };
  const healed = (await host.events(seen)).find(
    ({ type, key, playbook }) => type === 'Heal' && key === act.object && playbook === act.playbook,
  );
  if (!healed) throw new Error(`ovr did not tell of the playbook ${act.playbook}`);
  const heals = await host.heals(act.playbook);
  if (heals !== healsBefore + 1)
    throw new Error(`ovr_heal_total went from ${healsBefore} to ${heals}, not up by one`);
  tell(`  healed by ${healed.message}\n  ovr_heal_total{playbook="${act.playbook}"} ${heals}`);
  return { act: act.title, cause, actions: `${names}; healed: ${act.playbook}`, repairMs };
}

export async function lastEventId(host: StageHost): Promise<number> {
  return (await host.events(0)).at(-1)?.id ?? 0;
}

export async function actionsOf(host: StageHost, key: string, after: number): Promise<AgentEvent[]> {
  return (await host.events(after)).filter((event) => event.type === 'Action' && event.key === key);
}

/** Written beside and renamed, as an editor or a configuration tool does. */
export async function edit(stage: Stage, file: string, change: (text: string) => string): Promise<void> {
  const path = join(stage.manifests, file);
  const before = await readFile(path, 'utf8');
  const after = change(before);
  if (after === before) throw new Error(`the edit of ${file} changed nothing`);
  await writeFile(`${path}.new`, after);
  await rename(`${path}.new`, path);
}

async function syntaxError(players: Players, tell: (line: string) => void): Promise<ActResult> {
  const { stage, node2 } = players;
  const title = 'manifest with a syntax error';
  tell(`\n$ ${title}`);
  const seen = await Promise.all(stage.hosts.map(lastEventId));
  const good = await readFile(join(stage.manifests, 'ssh.yaml'), 'utf8');
  await edit(stage, 'ssh.yaml', (text) => `${text}\n  broken: [\n`);
  await until('every ovrd reports the mistake', async () => {
    const statuses = await Promise.all(stage.hosts.map((host) => host.status()));
    return statuses.every(({ diagnostics }) => diagnostics.length > 0);
  });
  const [diagnostic] = (await node2.status()).diagnostics;
  const acted = await Promise.all(
    stage.hosts.map(async (host, index) =>
      (await host.events(seen[index] ?? 0)).filter(({ type }) => type === 'Action'),
    ),
  );
  if (acted.flat().length > 0) throw new Error('ovr acted on a manifest that does not parse');
  await edit(stage, 'ssh.yaml', () => good);
  await until('the mended manifest is accepted', async () => {
    const statuses = await Promise.all(stage.hosts.map((host) => host.status()));
    return statuses.every(({ diagnostics, converged }) => diagnostics.length === 0 && converged);
  });
  const cause = `${diagnostic?.code ?? ''} at line ${diagnostic?.line ?? 0}`;
  tell(
    `  ovr on ${node2.name}: ${diagnostic?.message ?? ''} (${cause})\n  did: nothing; the last good version stayed in force`,
  );
  return { act: title, cause, actions: 'none: last good version kept' };
}

async function deletion(players: Players, tell: (line: string) => void): Promise<ActResult> {
  const { stage, node1, node2 } = players;
  const title = 'manifest deleted: ssh.yaml';
  tell(`\n$ ${title}`);
  const seen = await lastEventId(node2);
  await rm(join(stage.manifests, 'ssh.yaml'));
  const doneMs = Date.now();
  await until('ssh-1 and ssh-2 are gone, and nothing else', async () => {
    const removed = await actionsOf(node2, 'Container/ssh-2', seen);
    if (!removed.some(({ action }) => action === 'RemoveContainer')) return false;
    const [first, second] = await Promise.all([node1.running(), node2.running()]);
    return sameItems(first, ['nginx_web_1']) && sameItems(second, ['nginx_web_2']);
  });
  const actions = await actionsOf(node2, 'Container/ssh-2', seen);
  const cause = actions[0]?.cause ? formatCause(actions[0].cause) : '';
  const names = actions.map(({ action }) => action).join(', ');
  const repairMs = (actions.at(-1)?.timeMs ?? doneMs) - doneMs;
  tell(
    `  ovr on ${node2.name}: ${cause}\n  did: ${names}\n  done in ${repairMs} ms (a deletion is believed on the second look)`,
  );
  return { act: title, cause, actions: names, repairMs };
}
