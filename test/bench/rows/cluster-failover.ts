/** How long a cluster is without a leader when the leader's process is killed, and when it freezes. */
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { until } from '../../lab/run.ts';
import { type Bench, type Outcome, type Row, verdict } from '../row.ts';
import { formatMs, formatSpread } from '../stats.ts';
import { candidateNewsShape, type CandidateOptions } from '../zookeeper-candidate.ts';
import { withZooKeeper, type Tree } from '../zookeeper.ts';

const PROGRAM = join(import.meta.dirname, '../zookeeper-candidate.ts');
const NODES = ['n1', 'n2', 'n3'];
const SESSION_MS = 4_000;
const LIMIT_MS = SESSION_MS + 500;
const PATIENCE_MS = 30_000;
const REPETITIONS = 7;
/** So that the end comes at another moment of the session's beat each time. */
const REST_STEP_MS = 370;

const ENDS = [
  { signal: 'SIGKILL', what: 'the leader is killed → another one leads' },
  { signal: 'SIGSTOP', what: 'the leader freezes, its connection open → another one leads' },
] as const;

export const leaderFailover: Row = {
  name: 'leader-failover',
  measure: (bench) =>
    withZooKeeper(256, async ({ port }) => {
      const candidates = new Candidates({ port, root: '/ovr/failover', sessionTimeoutMs: SESSION_MS });
      try {
        const outcomes: Outcome[] = [];
        for (const { signal, what } of ENDS)
          outcomes.push(outcome(what, await runs(bench, candidates, signal)));
        return outcomes;
      } finally {
        candidates.close();
      }
    }),
};

async function runs(bench: Bench, candidates: Candidates, signal: NodeJS.Signals): Promise<number[]> {
  const samples: number[] = [];
  for (let run = 0; run < (bench.quick ? 2 : REPETITIONS); run += 1) {
    await candidates.complete();
    await new Promise((resolve) => setTimeout(resolve, run * REST_STEP_MS));
    const ms = await candidates.endLeader(signal);
    bench.progress(`${signal}: ${formatMs(ms)}`);
    samples.push(ms);
  }
  return samples;
}

function outcome(what: string, samples: readonly number[]): Outcome {
  const worst = Math.max(...samples);
  return {
    what: `${what}, session timeout ${SESSION_MS / 1_000} s`,
    ovr: formatSpread(samples),
    peer: '',
    found: `worst of ${samples.length}: ${formatMs(worst)}`,
    limit: `≤ session timeout + 0.5 s`,
    verdict: verdict(worst <= LIMIT_MS),
    samples: { failover: samples },
  };
}

interface Candidate {
  readonly child: ChildProcess;
  isJoined: boolean;
  isLeader: boolean;
}

/** Three agents in processes of their own. */
class Candidates {
  readonly #tree: Tree;
  readonly #byNode = new Map<string, Candidate>();
  #led: (node: string, atMs: number) => void = () => undefined;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /** Starts those that are missing, and waits until all are there and one leads. */
  async complete(): Promise<void> {
    for (const node of NODES) if (!this.#byNode.has(node)) this.#spawn(node);
    await until('three agents and a leader', PATIENCE_MS, () => {
      const all = [...this.#byNode.values()];
      const isComplete = all.every(({ isJoined }) => isJoined);
      return isComplete && all.some(({ isLeader }) => isLeader) ? true : undefined;
    });
  }

  /** Returns the time in milliseconds until another one leads. The old leader is dead then. */
  async endLeader(signal: NodeJS.Signals): Promise<number> {
    const [node, leader] = [...this.#byNode].find(([, { isLeader }]) => isLeader) ?? [];
    if (node === undefined || !leader) throw new Error('nobody leads');
    const led = new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('nobody took over')), PATIENCE_MS);
      this.#led = (by, atMs) => {
        if (by === node) return;
        clearTimeout(timer);
        resolve(atMs);
      };
    });
    const beganMs = performance.now();
    leader.child.kill(signal);
    try {
      return (await led) - beganMs;
    } finally {
      leader.child.kill('SIGKILL');
      this.#byNode.delete(node);
    }
  }

  close(): void {
    for (const { child } of this.#byNode.values()) child.kill('SIGKILL');
  }

  #spawn(node: string): void {
    const options: CandidateOptions = { tree: this.#tree, node, nodeLostAfterMs: 60_000 };
    const child = fork(PROGRAM, [JSON.stringify(options)]);
    const candidate: Candidate = { child, isJoined: false, isLeader: false };
    this.#byNode.set(node, candidate);
    child.on('message', (message) => {
      const atMs = performance.now();
      const news = candidateNewsShape.parse(message);
      if (news.type === 'joined') {
        candidate.isJoined = true;
      } else {
        candidate.isLeader = news.isLeader;
        if (news.isLeader) this.#led(node, atMs);
      }
    });
  }
}
