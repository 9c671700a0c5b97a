/** What a client of the traffic saw. Times are milliseconds; moments count since the epoch. */

export interface TrafficReport {
  readonly requests: RequestReport;
  readonly connections: ConnectionReport;
  readonly transfer?: TransferReport;
}

/** Many short requests, each with a look-up of its own. */
export interface RequestReport {
  readonly sent: number;
  /** Sent and neither answered nor failed. */
  readonly pending: number;
  readonly answers: Readonly<Record<string, Answers>>;
  /** Requests without a whole answer, by what went wrong: `dns`, `reset`, `timeout`, … */
  readonly errors: Readonly<Record<string, number>>;
  /** From the start of the look-up to the end of the answer. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly slowestMs: number;
  readonly slowestAtMs: number;
  /** The longest that the client itself was late with a request: a busy machine, not the network. */
  readonly lagMs: number;
}

/** What came from the servers of one version. */
export interface Answers {
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Long-lived connections, on which one numbered line goes out and comes back at a time. */
export interface ConnectionReport {
  readonly open: number;
  readonly exchanges: Readonly<Record<string, Answers>>;
  /** Ended by the server in an orderly way, between two exchanges, and opened again. */
  readonly ended: number;
  /** Ended otherwise, by what went wrong: `reset`, `closed`, `lost`, `repeated`, `timeout`, … */
  readonly broken: Readonly<Record<string, number>>;
  readonly slowestMs: number;
}

export interface TransferReport {
  readonly bytes: number;
  readonly wantedBytes: number;
  /** Every byte came, and is the right one. */
  readonly isIntact: boolean;
  readonly tookMs: number;
  /** The longest that nothing came. */
  readonly longestGapMs: number;
  readonly error?: string;
}

/** How many went wrong, of all kinds. */
export function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** Counts by name. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  counts(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}

/** Answers by version. */
export class AnswerTally {
  readonly #answers = new Map<string, { count: number; firstMs: number; lastMs: number }>();

  add(version: string): void {
    const nowMs = Date.now();
    const known = this.#answers.get(version);
    if (known === undefined) this.#answers.set(version, { count: 1, firstMs: nowMs, lastMs: nowMs });
    else Object.assign(known, { count: known.count + 1, lastMs: nowMs });
  }

  answers(): Record<string, Answers> {
    return Object.fromEntries([...this.#answers].map(([version, answers]) => [version, { ...answers }]));
  }
}

/** Something that went wrong, with the name it is counted under. */
export class Failure extends Error {
  readonly kind: string;

  constructor(kind: string, message = kind) {
    super(message);
    this.kind = kind;
  }
}

const systemErrors: Partial<Record<string, string>> = {
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ETIMEDOUT: 'timeout',
};

/** The name an error is counted under. */
export function failureKind(error: unknown): string {
  if (error instanceof Failure) return error.kind;
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? 'unknown';
  return systemErrors[code] ?? code;
}
