import { fileURLToPath } from 'node:url';
import type { FileHandle } from 'node:fs/promises';
import { OvrError } from '../api/index.ts';
import type { ErrandHost, Inside, NameAnswer, PingFinding, Prober } from '../check/index.ts';
import type { Engine } from '../reconcile/index.ts';
import { readLookup } from './lookup.ts';
import { openNamespace, type Processes } from './namespace.ts';
import {
  judgePings,
  PING_DEADLINE_MS,
  PING_MAX_BYTES,
  readPing,
  smallPing,
  wholePing,
  type Pinged,
} from './ping.ts';
import { runTool, type Ran, type Run } from './tool.ts';
import { Turnstile } from './turnstile.ts';

export interface ProberOptions {
  readonly engine: Pick<Engine, 'containerSeat'>;
  readonly processes?: Processes;
  /** In place of running programs. */
  readonly run?: (run: Run) => Promise<Ran>;
}

/** Where Docker's own DNS server is in every container that is on a network of users. */
const EMBEDDED_DNS = '127.0.0.11';
/** Programs at the same time. */
const MAX_PROGRAMS = 4;
/** Node's start, on a busy machine, and what it takes to end. */
const HELPER_EXTRA_MS = 5_000;
const HELPER_MAX_BYTES = 4 * 1024 * 1024;

/** The helper beside this module: TypeScript in a checkout, JavaScript in a build. */
const HELPER = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './dns-helper.ts' : './dns-helper.js', import.meta.url),
);

/** Enters containers' networks from the host, with the host's own programs: nothing of what is in an image is run. */
export function createProber(options: ProberOptions): Prober {
  const { engine, processes } = options;
  const turnstile = new Turnstile(MAX_PROGRAMS);
  const run = options.run ?? runTool;
  return {
    enter: async (id) => {
      const file = await openNamespace(id, () => engine.containerSeat(id), processes);
      return new Entered(file, (one) => turnstile.pass(() => run(one)));
    },
  };
}

class Entered implements Inside {
  readonly #file: FileHandle;
  readonly #run: (run: Run) => Promise<Ran>;

  constructor(file: FileHandle, run: (run: Run) => Promise<Ran>) {
    this.#file = file;
    this.#run = run;
  }

  async resolve(
    names: readonly string[],
    { address, deadlineMs }: { address: string; deadlineMs: number },
  ): Promise<{ answers: readonly NameAnswer[]; mtu?: number }> {
    const ran = await this.#inside([process.execPath, HELPER], {
      input: JSON.stringify({ names, address, deadlineMs, server: EMBEDDED_DNS }),
      deadlineMs: deadlineMs + HELPER_EXTRA_MS,
      maxBytes: HELPER_MAX_BYTES,
    });
    return readLookup(ran);
  }

  async ping(host: ErrandHost, mtu: number): Promise<PingFinding> {
    const whole = await this.#ping(wholePing(host.address, mtu));
    if (whole.type !== 'silence') return judgePings(host, whole);
    return judgePings(host, whole, await this.#ping(smallPing(host.address)));
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #ping(argv: readonly string[]): Promise<Pinged> {
    try {
      const limits = { deadlineMs: PING_DEADLINE_MS, maxBytes: PING_MAX_BYTES };
      return readPing(await this.#inside(argv, limits));
    } catch (error) {
      if (error instanceof OvrError) return { type: 'problem', message: error.message };
      throw error;
    }
  }

  async #inside(argv: readonly string[], rest: Omit<Run, 'argv' | 'descriptor'>): Promise<Ran> {
    const enter = ['nsenter', '--net=/proc/self/fd/3', '--', ...argv] as const;
    const ran = await this.#run({ argv: enter, descriptor: this.#file.fd, ...rest });
    const problem = entryProblem(ran, argv[0] ?? '');
    if (problem !== undefined) throw new OvrError('invalid-request', 'invalid', problem);
    return ran;
  }
}

/** Why a program did not even come to run inside. */
function entryProblem({ end, stderr }: Ran, program: string): string | undefined {
  if (end === 'missing') return 'nsenter is not on this host: install util-linux';
  if (!stderr.includes('nsenter:')) return undefined;
  if (/failed to execute.*(No such file|not found)/.test(stderr)) {
    return program === 'ping'
      ? 'ping is not on this host: install iputils-ping'
      : `${program} cannot be run: is the Node.js that runs ovrd still there?`;
  }
  if (/not permitted|denied/.test(stderr)) {
    return 'the network of a container may not be entered: ovrd needs CAP_SYS_ADMIN and CAP_NET_RAW; under systemd, deploy/systemd/probe.conf is the drop-in';
  }
  return `nsenter failed: ${stderr.trim().slice(0, 200)}`;
}
