import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { range, runSeeds } from './runner.ts';

/** In one file, one text instead of another. */
interface Patch {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A bug to plant. */
interface Mutant {
  readonly name: string;
  readonly patches: readonly Patch[];
}

function mutant(
  name: string,
  ...patches: readonly (readonly [file: string, from: string, to: string])[]
): Mutant {
  return { name, patches: patches.map(([file, from, to]) => ({ file, from, to })) };
}

const ROOT = resolve(import.meta.dirname, '../..');
const MAX_SEEDS = 1_000;

const ELECTION = 'pkg/cluster/election.ts';
const LEASE = 'pkg/cluster/lease.ts';
/** It still believes to lead when it has a new session, or is not the first candidate any more. */
const KEPT_LEADERSHIP = [
  [
    ELECTION,
    'return isCurrent && this.#leadership?.session === contact.session ? this.#leadership : undefined;',
    'return isCurrent || contact.connection !== 0 ? this.#leadership : undefined;',
  ],
  [
    ELECTION,
    '#stepDown(): void {\n    if (!this.#leadership) return;',
    '#stepDown(): void {\n    if (this.#leadership || this.#heldOver !== 0) return;',
  ],
] as const;

/** What the promises are about, undone one at a time. */
const MUTANTS: readonly Mutant[] = [
  mutant('a leader writes without its checks, and leads on in a new session', ...KEPT_LEADERSHIP, [
    ELECTION,
    "{ type: 'check', path: candidate },\n      { type: 'check', path: EPOCH_PATH, version },",
    '...([candidate, version] && []),',
  ]),
  mutant('version checks are dropped, and a leader leads on in a new session', ...KEPT_LEADERSHIP, [
    'pkg/cluster/simulated/tree.ts',
    'if (version !== undefined && version !== node.version) {',
    'if (version === -1) {',
  ]),
  mutant('nothing declared is taken for everything deleted', [
    'pkg/plan/removals.ts',
    'if (revision.objects.size === 0) {',
    'if (revision.objects.size < 0) {',
  ]),
  mutant('a doubt about the manifests is ignored', [
    'pkg/plan/removals.ts',
    'if (doubt !== undefined) return',
    'if (doubt === "never") return',
  ]),
  mutant('the lease is never lost', [LEASE, 'return !this.#isLapsed;', 'return true;']),
  mutant('the lease comes back before the bindings are read again', [
    LEASE,
    'this.#isLapsed ||= !this.#isWithin(this.#baseMs);\n    this.#isMember = true;',
    'this.#isLapsed = false;\n    this.#isMember = true;',
  ]),
  mutant('older bindings are believed', [
    'pkg/cluster/follower.ts',
    'const isOld = compareStamps(bindings, memory.kept.bindings) < 0;',
    'const isOld = compareStamps(bindings, memory.kept.bindings) > 9;',
  ]),
  mutant('after an expired session nothing is watched again', [
    'pkg/cluster/cluster.ts',
    'if (isJoined) {\n      this.#follower.ring();',
    'if (isJoined) {\n      if (this.#contact.lost.expired === 0) this.#follower.ring();',
  ]),
  mutant('a lost answer to a candidacy is taken for a failure', [
    ELECTION,
    "error.code !== 'coordinator-unreachable') this.#isInDoubt = true;",
    "error.code !== 'coordinator-unreachable') this.#isInDoubt = false;",
  ]),
  mutant('a list that fails is taken for an empty one', [
    'pkg/reconcile/reconciler.ts',
    'engine.observe(containersOf(this.#lanes.running())),',
    'engine.observe(containersOf(this.#lanes.running())).catch((error: unknown) => { if (!this.#last) throw error; return { ...this.#last.observed, containers: [], networks: [] }; }),',
  ]),
  mutant('whose a container is counts for nothing', [
    'pkg/plan/context.ts',
    'return nameFits(container.name, owner) || context.input.memory.createdIds.has(container.id)',
    "return container.name !== ''",
  ]),
  mutant('a node that is away is given up at once', [
    'pkg/cluster/term.ts',
    'nowMs - since >= lostAfterMs',
    'nowMs - since >= lostAfterMs / 1000',
  ]),
  mutant('where containers are counts for nothing when they are placed', [
    'pkg/cluster/decide.ts',
    'place({ containers: placed, nodes, current, lost, strategy })',
    'place({ containers: placed, nodes, current: current.size < 0 ? current : new Map(), lost, strategy })',
  ]),
  mutant('a decision on other manifests is believed', [
    'pkg/plan/assignment.ts',
    'if (cluster.decidedOn !== input.revision.digest) {',
    'if (cluster.decidedOn === "") {',
  ]),
  mutant('a container moves in one step', [
    'pkg/cluster/decide.ts',
    "const runsOnce = spec.reschedule === 'on-node-failure';",
    'const runsOnce = spec.reschedule.length === 0;',
  ]),
];

/** How a planted bug fared. */
interface Verdict {
  readonly mutant: string;
  readonly caughtBy: string;
  readonly seeds: number;
}

/** Plants each bug into a copy of the code, one at a time, and runs seeds until one breaks a promise. */
export async function runMutants(workers: number, only?: string): Promise<boolean> {
  const verdicts: Verdict[] = [];
  for (const planted of MUTANTS) {
    if (only !== undefined && !planted.name.includes(only)) continue;
    const verdict = await tryMutant(planted, workers);
    verdicts.push(verdict);
    console.log(`${verdict.mutant.padEnd(58)} ${verdict.caughtBy.padEnd(32)} ${verdict.seeds}`);
  }
  const missed = verdicts.filter(({ caughtBy }) => caughtBy === 'NOT CAUGHT');
  console.log(`${verdicts.length - missed.length} of ${verdicts.length} planted bugs caught`);
  return missed.length === 0;
}

async function tryMutant(planted: Mutant, workers: number): Promise<Verdict> {
  const copy = mkdtempSync(join(tmpdir(), 'ovr-sim-mutant-'));
  try {
    plant(planted, copy);
    const summary = await runSeeds({
      seeds: range(1, MAX_SEEDS),
      workers,
      stopAtFailure: true,
      worker: pathToFileURL(join(copy, 'test/sim/worker.ts')),
    });
    const failure = summary.failures[0]?.failure;
    return { mutant: planted.name, caughtBy: failure?.invariant ?? 'NOT CAUGHT', seeds: summary.seeds };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function plant({ name, patches }: Mutant, copy: string): void {
  for (const folder of ['pkg', 'test/sim', 'test/build']) {
    cpSync(join(ROOT, folder), join(copy, folder), { recursive: true });
  }
  cpSync(join(ROOT, 'package.json'), join(copy, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  for (const { file, from, to } of patches) {
    const path = join(copy, file);
    const text = readFileSync(path, 'utf8');
    if (text.split(from).length !== 2)
      throw new Error(`mutant "${name}": ${file} has not exactly one: ${from}`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
  }
}
