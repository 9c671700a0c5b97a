import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { isManifestName } from './name.ts';

/** A walk through all processes takes 1 to 50 ms; one that takes longer than this is given up and counts as blind. */
const BUDGET_MS = 300;
/** The initial PID namespace has this inode on every Linux kernel; from inside another one, the host's processes cannot be seen. */
const HOST_PID_NAMESPACE = 'pid:[4026531836]';
const ACCESS_MODE = 0o3;

export type WriterCheck =
  | { readonly status: 'none' }
  | { readonly status: 'open'; readonly by: string }
  /** Nobody was found, but not everybody could be seen. */
  | { readonly status: 'blind' };

/**
 * Who has manifests open for writing, from /proc. One walk answers all questions of one round, since the walk is what costs:
 * `round` names the walk. Best effort: a writer on another host, or one that maps the file and closes it, is not seen.
 */
export class WriterScan {
  #round = -1;
  #walk: Walk | undefined;
  readonly #budgetMs: number;

  constructor(budgetMs = BUDGET_MS) {
    this.#budgetMs = budgetMs;
  }

  /** `inode` is `device:inode`, as in a sighting. */
  check(inode: string, round: number): WriterCheck {
    if (this.#walk === undefined || this.#round !== round) {
      this.#walk = walkProcesses(this.#budgetMs);
      this.#round = round;
    }
    const by = this.#walk.writers.get(inode);
    if (by !== undefined) return { status: 'open', by };
    return { status: this.#walk.sawAll ? 'none' : 'blind' };
  }
}

interface Walk {
  readonly writers: ReadonlyMap<string, string>;
  readonly sawAll: boolean;
}

function walkProcesses(budgetMs: number): Walk {
  const writers = new Map<string, string>();
  const endMs = performance.now() + budgetMs;
  let sawAll = seesEveryProcess();
  for (const pid of list('/proc') ?? []) {
    if (!/^\d+$/.test(pid)) continue;
    if (performance.now() > endMs) return { writers, sawAll: false };
    const descriptors = list(`/proc/${pid}/fd`);
    if (descriptors === undefined) sawAll = sawAll && !isAlive(pid);
    for (const descriptor of descriptors ?? []) noteWriter(writers, pid, descriptor);
  }
  return { writers, sawAll };
}

function seesEveryProcess(): boolean {
  return (
    process.geteuid?.() === 0 &&
    attempt(() => readlinkSync('/proc/self/ns/pid')) === HOST_PID_NAMESPACE &&
    isAlive('1')
  );
}

/** Only paths that end like a manifest are looked at closer: asking for the state of any other file could hang on a dead mount. */
function noteWriter(writers: Map<string, string>, pid: string, descriptor: string): void {
  const link = `/proc/${pid}/fd/${descriptor}`;
  const path = attempt(() => readlinkSync(link));
  if (path === undefined || !isManifestName(path.slice(path.lastIndexOf('/') + 1))) return;
  const info = attempt(() => readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, 'utf8'));
  const flags = /^flags:\s*([0-7]+)/m.exec(info ?? '')?.[1];
  if (flags === undefined || (Number.parseInt(flags, 8) & ACCESS_MODE) === 0) return;
  const stat = attempt(() => statSync(link, { bigint: true }));
  if (stat === undefined) return;
  const command = attempt(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()) ?? 'process';
  writers.set(`${stat.dev}:${stat.ino}`, `${command} (pid ${pid})`);
}

function list(path: string): string[] | undefined {
  return attempt(() => readdirSync(path));
}

function isAlive(pid: string): boolean {
  return attempt(() => statSync(`/proc/${pid}`)) !== undefined;
}

/** Processes come and go during the walk, so any step may fail. */
function attempt<T>(step: () => T): T | undefined {
  try {
    return step();
  } catch {
    return undefined;
  }
}
