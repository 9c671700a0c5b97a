import { readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { formatCause, type Reason } from '../../pkg/api/index.ts';
import {
  actionsOf,
  cast,
  edit,
  lastEventId,
  play,
  sameItems,
  type Act,
  type ActResult,
  type Players,
} from './acts.ts';
import { until, type Stage, type StageHost, type StageLoad } from './stage.ts';

const WEB = resolve(import.meta.dirname, '../../manifests/traffic/web.yaml');
const FILE = 'web.yaml';
const ALIAS = 'web';
const CLIENT = 'web_client';
/** So many answers in a row without one of another version, and that one has left the name. */
const ENOUGH = 30;

const HEALTH: readonly Act[] = [
  {
    title: 'docker exec web_blue rm /www/ready: it becomes unhealthy',
    host: ({ node1 }) => node1,
    object: 'Container/web_blue',
    deed: ({ node1 }) => node1.hand.setReady('web_blue', false),
    reason: 'HolderUnready',
    holds: (players) => leadsTo(players, 'web_green'),
  },
  {
    title: 'docker exec web_blue touch /www/ready: it is well again',
    host: ({ node1 }) => node1,
    object: 'Container/web_blue',
    deed: ({ node1 }) => node1.hand.setReady('web_blue', true),
    reason: 'HolderReady',
    holds: (players) => leadsTo(players, 'web_blue', 'web_green'),
  },
];

/** A name is switched from one version to another and back while a client asks for it all the time. */
export async function moveTraffic(stage: Stage, tell: (line: string) => void): Promise<ActResult[]> {
  const players = cast(stage);
  tell('\n$ cp web.yaml: two versions behind the name web, and a client');
  await writeFile(join(stage.manifests, FILE), await manifest(stage));
  await until('the name leads to web_blue', () => leadsTo(players, 'web_blue'));
  await converged(stage);
  const results = await switchUnderLoad(players, tell);
  tell('\n$ web.yaml edited: the name leads to both versions');
  await edit(stage, FILE, (text) => text.replace(/selector:.*track: blue.*/, 'selector: { app: web }'));
  await until('the name leads to both', () => leadsTo(players, 'web_blue', 'web_green'));
  await converged(stage);
  for (const act of HEALTH) results.push(await play(act, players, tell));
  await rm(join(stage.manifests, FILE));
  await until('the two versions and the client are gone', async () => {
    const running = await Promise.all(stage.hosts.map((host) => host.running()));
    return !running.flat().some((name) => name.startsWith('web_'));
  });
  await converged(stage);
  return results;
}

/** The example, with servers that this stage's client counts answers of. */
async function manifest(stage: Stage): Promise<string> {
  const documents = parseAllDocuments(await readFile(WEB, 'utf8'));
  return documents
    .map((document) => {
      const name = String(document.getIn(['metadata', 'name']));
      const isServer = document.get('kind') === 'Container' && name !== CLIENT;
      for (const [field, value] of Object.entries(isServer ? stage.server(name) : {})) {
        document.setIn(['spec', field], value);
      }
      return document.toString();
    })
    .join('---\n');
}

/** Whether the client gets the addresses of these containers for the name, and no other. */
async function leadsTo({ master }: Players, ...containers: readonly string[]): Promise<boolean> {
  if (!(await master.running()).includes(CLIENT)) return false;
  const own = await Promise.all(containers.map((container) => master.resolve(CLIENT, container)));
  const found = await master.resolve(CLIENT, ALIAS);
  return own.every(({ length }) => length === 1) && sameItems(found, own.flat().sort());
}

function converged(stage: Stage): Promise<void> {
  return until('every ovrd says converged', async () => {
    const statuses = await Promise.all(stage.hosts.map((host) => host.status()));
    return statuses.every((status) => status.converged);
  });
}

interface Turn {
  readonly title: string;
  /** None: back to what the manifest says. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly from: string;
  readonly to: string;
  readonly reason: Reason;
}

const FORTH: Turn = {
  title: 'ovr switch web track=green',
  labels: { track: 'green' },
  from: 'web_blue',
  to: 'web_green',
  reason: 'AliasSwitched',
};
const BACK: Turn = {
  title: 'ovr switch web --back',
  from: 'web_green',
  to: 'web_blue',
  reason: 'AliasMoved',
};

async function switchUnderLoad(players: Players, tell: (line: string) => void): Promise<ActResult[]> {
  const load = await players.master.load(CLIENT, ALIAS);
  try {
    tell(`  ${CLIENT} asks for ${ALIAS}: ${players.stage.load}`);
    await isAnsweredBy(load, 'web_blue', 'web_green');
    const results: ActResult[] = [];
    for (const turn of [FORTH, BACK]) results.push(await playTurn(turn, players, { load, tell }));
    const { asked, answers, errors, slowestMs } = await load.stop();
    const counts = Object.entries(answers).map(([version, count]) => `${version} ${count}`);
    if (sum(errors) > 0 || sum(answers) !== asked) {
      throw new Error(`not so: no request is lost: ${JSON.stringify({ asked, answers, errors })}`);
    }
    const slowest = slowestMs === undefined ? '' : `; the slowest took ${Math.round(slowestMs)} ms`;
    tell(`  ok: ${asked} asked, ${counts.join(', ')}, none lost${slowest}`);
    return results;
  } finally {
    await load.kill();
  }
}

async function playTurn(
  turn: Turn,
  players: Players,
  { load, tell }: { load: StageLoad; tell: (line: string) => void },
): Promise<ActResult> {
  const { master } = players;
  const hosts = [hostOf(players, turn.to), hostOf(players, turn.from)];
  const seen = await Promise.all(hosts.map(lastEventId));
  const before = await load.report();
  tell(`\n$ ${turn.title}`);
  const beganMs = Date.now();
  const said = await master.switchAlias(ALIAS, turn.labels);
  await isAnsweredBy(load, turn.to, turn.from);
  await until(`${ALIAS} leads to ${turn.to} alone`, () => leadsTo(players, turn.to));
  const after = await load.report();
  for (const line of said.split('\n')) tell(`  ${line}`);
  const actions: string[] = [];
  const causes: string[] = [];
  let endMs = beganMs;
  for (const [index, host] of hosts.entries()) {
    const key = `Container/${index === 0 ? turn.to : turn.from}`;
    const own = await actionsOf(host, key, seen[index] ?? 0);
    const cause = own.find((event) => event.cause?.reason === turn.reason)?.cause;
    if (!cause) throw new Error(`ovr on ${host.name} did not give ${turn.reason} for ${turn.title}`);
    const names = own.map(({ action }) => action).join(', ');
    tell(`  ovr on ${host.name}: ${formatCause(cause)}\n  did: ${names}`);
    causes.push(formatCause(cause));
    actions.push(`${host.name}: ${names}`);
    endMs = Math.max(endMs, own.at(-1)?.timeMs ?? beganMs);
  }
  const repairMs = endMs - beganMs;
  const answers = sum(after.answers) - sum(before.answers);
  tell(`  done on both in ${repairMs} ms; ${answers} answers meanwhile, ${sum(after.errors)} lost`);
  return {
    act: `${turn.title} (under load)`,
    cause: causes.join('\n'),
    actions: actions.join('\n'),
    repairMs,
  };
}

function hostOf({ node1, node2 }: Players, container: string): StageHost {
  return container === 'web_blue' ? node1 : node2;
}

/** Waits until one version answers and the other one does not any more. */
function isAnsweredBy(load: StageLoad, version: string, other: string): Promise<void> {
  return until(`${version} answers and ${other} does not`, async () => {
    const before = await load.report();
    const enough = (before.answers[version] ?? 0) + ENOUGH;
    let after = before;
    await until(
      `${version} answers`,
      async () => ((after = await load.report()).answers[version] ?? 0) >= enough,
    );
    return after.answers[other] === before.answers[other];
  });
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
