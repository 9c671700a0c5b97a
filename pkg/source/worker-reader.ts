import { availableParallelism } from 'node:os';
import type { Clock } from '../api/index.ts';
import type { ParsedFile, Variables } from '../manifest/index.ts';
import { PARSE_FAILED } from './load.ts';
import { joinPieces } from './pieces.ts';
import type { Question } from './protocol.ts';
import type {
  FolderLook,
  FolderScan,
  LoadRequest,
  LoadResult,
  LookRequest,
  Reader,
  Refusal,
  TreeWalk,
} from './sighting.ts';
import type { VariableFileRead } from './variable-file.ts';
import { DeadlineError } from './worker-connection.ts';
import { WorkerLane } from './worker-lane.ts';

/** A file takes milliseconds, and a large valid one half a second a MiB; what takes this long is hostile. */
const LOAD_DEADLINE_MS = 2_000;
const LOAD_DEADLINE_MS_PER_MIB = 2_000;
const MIB = 1024 * 1024;
/** Ten thousand files take 0.1 s; what takes this long is a dead mount. */
const LOOK_DEADLINE_MS = 10_000;
/** Answers of this many files keep the main thread free: some milliseconds of copying each. */
const BATCH_FILES = 50;
const BATCH_BYTES = MIB;
/** From so many files on, further workers are worth their start. */
const MANY = 2_000;
const MAX_LANES = 4;

const NO_VARIABLES: Variables = new Map();

const TIMED_OUT: Refusal = {
  code: 'parse-timeout',
  message: `the file takes longer than ${LOAD_DEADLINE_MS / 1_000} s and ${LOAD_DEADLINE_MS_PER_MIB / 1_000} s a MiB to read and parse; make it simpler or split it`,
  // A machine that was too busy just then is to blame as well as the file; but a file that is to blame costs its deadline each time.
  retry: true,
  retries: 2,
};

/**
 * Reads through a warm worker thread, and through some more for a while when there is much to read. A worker that misses a
 * deadline or runs out of memory is ended and the next question gets a new one; of a batch that ended a worker, each file is
 * tried on its own, so only the culprit suffers.
 */
export class WorkerReader implements Reader {
  readonly #clock: Clock;
  readonly #lane: WorkerLane;
  #round = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lane = new WorkerLane(clock);
  }

  async look(request: LookRequest): Promise<FolderLook> {
    this.#round += 1;
    return this.#lane.queue<'look'>({ op: 'look', request }, LOOK_DEADLINE_MS);
  }

  async scan(dir: string, below = ''): Promise<FolderScan> {
    return this.#lane.ask<'scan'>({ op: 'scan', dir, below }, LOOK_DEADLINE_MS);
  }

  async walk(dir: string): Promise<TreeWalk> {
    return this.#lane.queue<'walk'>({ op: 'walk', dir }, LOOK_DEADLINE_MS);
  }

  async load(
    dir: string,
    requests: readonly LoadRequest[],
    variables = NO_VARIABLES,
  ): Promise<readonly LoadResult[]> {
    const batches = batchesOf(requests);
    const results: (readonly LoadResult[])[] = [];
    const lanes = [this.#lane, ...this.#furtherLanes(requests.length)];
    let next = 0;
    const work = async (lane: WorkerLane): Promise<void> => {
      for (let batch = batches[next]; batch !== undefined; batch = batches[next]) {
        const index = next;
        next += 1;
        results[index] = await this.#loadBatch(lane, { dir, requests: batch, variables });
      }
    };
    await Promise.all(lanes.map(work));
    await Promise.all(lanes.slice(1).map((lane) => lane.close()));
    return results.flat();
  }

  #furtherLanes(files: number): WorkerLane[] {
    const count = files < MANY ? 0 : Math.min(MAX_LANES, availableParallelism()) - 1;
    return Array.from({ length: count }, () => new WorkerLane(this.#clock));
  }

  async #loadBatch(lane: WorkerLane, batch: Batch): Promise<readonly LoadResult[]> {
    const { requests } = batch;
    const bytes = requests.reduce((sum, { size }) => sum + size, 0);
    try {
      const question = { op: 'load', ...batch, round: this.#round } as const;
      return await ask(lane, question, loadDeadlineMs(bytes));
    } catch (error) {
      const [first] = requests;
      if (first !== undefined && requests.length === 1) {
        return [{ name: first.name, status: 'refused', refusal: refusalFor(error) }];
      }
    }
    const results: LoadResult[] = [];
    for (const request of requests)
      results.push(...(await this.#loadBatch(lane, { ...batch, requests: [request] })));
    return results;
  }

  async parse(text: string, file: string, variables = NO_VARIABLES): Promise<ParsedFile | Refusal> {
    try {
      return await this.#lane.queue<'parse'>(
        { op: 'parse', text, file, variables },
        loadDeadlineMs(text.length),
      );
    } catch (error) {
      return refusalFor(error);
    }
  }

  async variables(files: readonly string[]): Promise<readonly VariableFileRead[]> {
    return this.#lane.queue<'variables'>({ op: 'variables', files }, LOOK_DEADLINE_MS);
  }

  async stop(): Promise<void> {
    await this.#lane.close();
  }
}

/** Requests that are answered together. */
interface Batch {
  readonly dir: string;
  readonly requests: readonly LoadRequest[];
  readonly variables: Variables;
}

/** Asks for the next piece only once the last one is here, so that the event loop turns in between. */
async function ask(
  lane: WorkerLane,
  question: Extract<Question, { op: 'load' }>,
  deadlineMs: number,
): Promise<readonly LoadResult[]> {
  let answer = await lane.queue<'load'>(question, deadlineMs);
  if (answer.rest === undefined) return answer.results;
  const results = [...answer.results];
  while (answer.rest !== undefined) {
    answer = await lane.queue<'more'>({ op: 'more', rest: answer.rest }, LOAD_DEADLINE_MS);
    results.push(...answer.results);
  }
  return joinPieces(results);
}

function loadDeadlineMs(bytes: number): number {
  return LOAD_DEADLINE_MS + (LOAD_DEADLINE_MS_PER_MIB * bytes) / MIB;
}

function batchesOf(requests: readonly LoadRequest[]): LoadRequest[][] {
  const batches: LoadRequest[][] = [];
  let bytes = Infinity;
  for (const request of requests) {
    const last = batches.at(-1);
    if (last === undefined || last.length === BATCH_FILES || bytes + request.size > BATCH_BYTES) {
      batches.push([request]);
      bytes = request.size;
    } else {
      last.push(request);
      bytes += request.size;
    }
  }
  return batches;
}

function refusalFor(error: unknown): Refusal {
  return error instanceof DeadlineError ? TIMED_OUT : PARSE_FAILED;
}
