/** A million containers on five thousand nodes, decided by a real leader and written to a real ZooKeeper; then a hundred nodes are lost. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { CoordinationStore, StoreWrite } from '../../../pkg/cluster/index.ts';
import { eachOf } from '../each.ts';
import { type Bench, type Outcome, type Row, verdict } from '../row.ts';
import { formatMs } from '../stats.ts';
import { type Document, BareWriter } from '../zookeeper-floor.ts';
import { type LeaderNews, type LeaderOptions, type Wave, leaderNewsShape } from '../zookeeper-leader.ts';
import { connectStore, withZooKeeper, type Tree } from '../zookeeper.ts';

interface Size {
  readonly containers: number;
  readonly nodes: number;
  readonly lost: number;
}

const PROGRAM = join(import.meta.dirname, '../zookeeper-leader.ts');
const FULL: Size = { containers: 1_000_000, nodes: 5_000, lost: 100 };
const QUICK: Size = { containers: 100_000, nodes: 1_000, lost: 20 };
const LEADER = 'node-0000';
/** The leader does nothing else while it decides, so its session must outlast that. */
const SESSION_MS = 20_000;
const LOST_AFTER_MS = 15_000;
const PATIENCE_MS = 300_000;
const LEADER_HEAP_MB = 8_000;
const SERVER_HEAP_MB = 3_000;
const MEMBERS_AT_ONCE = 500;
const READS_AT_ONCE = 64;
const DECIDE_LIMIT_MS = 10_000;
const REPLACE_LIMIT_MS = 2_000;
const ZONES = ['a', 'b', 'c'];

export const million: Row = {
  name: 'million',
  measure: (bench) => measureSize(bench, bench.quick ? QUICK : FULL),
};

/** Everything of one size. */
function measureSize(bench: Pick<Bench, 'progress'>, size: Size): Promise<readonly Outcome[]> {
  return withZooKeeper(SERVER_HEAP_MB, async ({ port }) => {
    const tree = { port, root: '/ovr/million', sessionTimeoutMs: SESSION_MS };
    const leader = new LeaderChild({
      tree,
      node: LEADER,
      nodeLostAfterMs: LOST_AFTER_MS,
      containers: size.containers,
      nodes: size.nodes,
    });
    const floor = await BareWriter.open(port, '/floor');
    const stores: CoordinationStore[] = [];
    try {
      return await run(bench, { size, tree, leader, floor, stores });
    } finally {
      leader.close();
      floor.close();
      await Promise.all(stores.map((store) => store.stop()));
    }
  });
}

interface Stand {
  readonly size: Size;
  readonly tree: Tree;
  readonly leader: LeaderChild;
  readonly floor: BareWriter;
  /** Sessions to end. */
  readonly stores: CoordinationStore[];
}

async function run({ progress }: Pick<Bench, 'progress'>, stand: Stand): Promise<readonly Outcome[]> {
  const { size, tree, leader, floor, stores } = stand;
  const connect = async (): Promise<CoordinationStore> => {
    const store = await connectStore(tree);
    stores.push(store);
    return store;
  };
  await leader.next('leads');
  const [staying, doomed] = [await connect(), await connect()];
  const nodes = Array.from({ length: size.nodes - 1 }, (_, index) => index + 1);
  const isDoomed = (index: number): boolean => index <= size.lost;
  await enrol(
    staying,
    nodes.filter((index) => !isDoomed(index)),
  );
  await enrol(doomed, nodes.filter(isDoomed));
  progress(`${size.nodes} members`);
  leader.go();
  const { wave: decided } = await leader.next('decided');
  const bound = await readAll(staying);
  check(bound, size.containers);
  progress(`decided: ${describe(decided)}`);
  const replacing = leader.next('replaced');
  await doomed.stop();
  const { wave: replaced, peakRssBytes } = await replacing;
  const rebound = await readAll(staying);
  check(rebound, size.containers);
  checkEmpty(rebound, nodes.filter(isDoomed));
  progress(`re-placed: ${describe(replaced)}`);
  const moved = rebound.filter(
    ({ path, data }, index) => bound[index]?.path !== path || bound[index].data !== data,
  );
  const floors = { decided: await floor.create(bound), replaced: await floor.set(moved) };
  return outcomes({ size, decided, replaced, floors, peakRssBytes });
}

/** Registers nodes, each with a report of an engine that is empty, in the words of the leader's own. */
async function enrol(store: CoordinationStore, indexes: readonly number[]): Promise<void> {
  const [member, report] = [await store.get(`members/${LEADER}`), await store.get(`reports/${LEADER}`)];
  if (!member || !report) throw new Error('the leader has not registered');
  const template = JSON.parse(member.data) as { facts: object };
  const batches = Array.from({ length: Math.ceil(indexes.length / MEMBERS_AT_ONCE) }, (_, at) =>
    indexes.slice(at * MEMBERS_AT_ONCE, (at + 1) * MEMBERS_AT_ONCE),
  );
  await eachOf(batches, 4, async (batch) => {
    const writes = batch.flatMap((index): StoreWrite[] => {
      const name = nodeName(index);
      const engineLabels = { storage: index % 2 === 0 ? 'ssd' : 'hdd', zone: ZONES[index % ZONES.length] };
      const facts = { ...template.facts, name, id: `id-of-${name}`, engineLabels };
      const data = JSON.stringify({ ...template, facts, instance: name });
      return [
        { type: 'create', path: `reports/${name}`, data: report.data, ephemeral: true },
        { type: 'create', path: `members/${name}`, data, ephemeral: true },
      ];
    });
    await store.commit(writes);
  });
}

function nodeName(index: number): string {
  return `node-${String(index).padStart(4, '0')}`;
}

/** Bindings as they stand in the tree. */
async function readAll(store: CoordinationStore): Promise<Document[]> {
  const documents: Document[] = [];
  const names = await store.children('bindings');
  await eachOf(names, READS_AT_ONCE, async (name) => {
    const path = `bindings/${name}`;
    const znode = await store.get(path);
    if (znode) documents.push({ path, data: znode.data });
  });
  return documents.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function namesIn({ data }: Document): readonly string[] {
  return (JSON.parse(data) as { names: string[] }).names;
}

/** Every container is bound once. */
function check(documents: readonly Document[], containers: number): void {
  const names = documents.flatMap(namesIn);
  const different = new Set(names);
  if (names.length !== containers || different.size !== containers) {
    throw new Error(`${names.length} bindings of ${different.size} containers; ${containers} are declared`);
  }
}

function checkEmpty(documents: readonly Document[], lost: readonly number[]): void {
  const paths = new Set(lost.map((index) => `bindings/${nodeName(index)}`));
  const still = documents.filter((document) => paths.has(document.path) && namesIn(document).length > 0);
  if (still.length > 0) throw new Error(`${still.length} lost nodes still have containers`);
}

interface Measured {
  readonly size: Size;
  readonly decided: Wave;
  readonly replaced: Wave;
  readonly floors: { readonly decided: number; readonly replaced: number };
  readonly peakRssBytes: number;
}

function outcomes({ size, decided, replaced, floors, peakRssBytes }: Measured): readonly Outcome[] {
  const [containers, nodes] = [size.containers.toLocaleString('en'), size.nodes.toLocaleString('en')];
  const row = (what: string, wave: Wave, floorMs: number, limitMs: number): Outcome => ({
    what,
    ovr: `${formatMs(wave.ms)}; first commit after ${formatMs(wave.thoughtMs)}`,
    peer: `bare ZooKeeper writes ${formatMs(floorMs)}`,
    found: `${(wave.ms / floorMs).toFixed(1)} × the bare writes; ${wave.znodes} znodes, ${megabytes(wave.bytes)}, ${wave.commits} commits`,
    limit: `≤ ${limitMs / 1_000} s`,
    verdict: verdict(wave.ms <= limitMs),
    samples: {
      ovr: [wave.ms],
      thought: [wave.thoughtMs],
      bare: [floorMs],
      znodesCount: [wave.znodes],
      bytes: [wave.bytes],
    },
  });
  return [
    row(
      `${containers} containers, ${nodes} simulated nodes: manifests known → bindings and decision committed`,
      decided,
      floors.decided,
      DECIDE_LIMIT_MS,
    ),
    row(
      `${size.lost} of these nodes count as lost → all their containers are bound elsewhere`,
      replaced,
      floors.replaced,
      REPLACE_LIMIT_MS,
    ),
    {
      what: `memory of the leader meanwhile, manifests of ${containers} containers included`,
      ovr: `peak RSS ${megabytes(peakRssBytes)}`,
      peer: '',
      found: megabytes(peakRssBytes),
      limit: '',
      verdict: 'seen',
      samples: { peakRssBytes: [peakRssBytes] },
    },
  ];
}

function describe({ ms, thoughtMs, commits, znodes, bytes }: Wave): string {
  return `${formatMs(ms)}, first commit after ${formatMs(thoughtMs)}, ${znodes} znodes in ${commits} commits, ${megabytes(bytes)}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** The process in which the leader is. */
class LeaderChild {
  readonly #child: ChildProcess;
  readonly #news: LeaderNews[] = [];
  #arrived: () => void = () => undefined;
  #exit: string | undefined;

  constructor(options: LeaderOptions) {
    this.#child = fork(PROGRAM, [JSON.stringify(options)], {
      execArgv: [`--max-old-space-size=${LEADER_HEAP_MB}`],
    });
    this.#child.on('message', (message) => {
      this.#news.push(leaderNewsShape.parse(message));
      this.#arrived();
    });
    this.#child.on('exit', (code, signal) => {
      this.#exit = `the leader's process ended (${String(signal ?? code)})`;
      this.#arrived();
    });
  }

  async next<Type extends LeaderNews['type']>(type: Type): Promise<Extract<LeaderNews, { type: Type }>> {
    const timer = setTimeout(() => {
      this.#exit = `no "${type}" of the leader after ${PATIENCE_MS / 1_000} s`;
      this.#arrived();
    }, PATIENCE_MS);
    try {
      while (this.#news.length === 0) {
        if (this.#exit !== undefined) throw new Error(this.#exit);
        await new Promise<void>((resolve) => (this.#arrived = resolve));
      }
      const news = this.#news.shift();
      if (news?.type !== type) throw new Error(`the leader sent ${news?.type ?? 'nothing'}, not ${type}`);
      return news as Extract<LeaderNews, { type: Type }>;
    } finally {
      clearTimeout(timer);
    }
  }

  go(): void {
    this.#child.send('go');
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}
