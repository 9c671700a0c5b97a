import { availableParallelism } from 'node:os';
import type { Clock } from '../api/index.ts';
import type { ParsedFile, Variables } from '../manifest/index.ts';
import { giveBackMemory } from './give-back.ts';
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
  ScanRequest,
  TreeWalk,
} from './sighting.ts';
import type { VariableFileRead } from './variable-file.ts';
import { BystanderError, DeadlineError } from './worker-connection.ts';
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
/** After reading that much, when what was read for should be done. */
const GIVE_BACK_MS = 10_000;

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
  /** Files and texts since memory was given back. */
  #read = 0;
  #cancelGiveBack: (() => void) | undefined;
  #isStopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lane = new WorkerLane(clock);
  }

  async look(request: LookRequest): Promise<FolderLook> {
    this.#round += 1;
    return this.#lane.queue<'look'>({ op: 'look', request }, LOOK_DEADLINE_MS);
  }

  async scan(request: ScanRequest): Promise<FolderScan> {
    return this.#lane.ask<'scan'>({ op: 'scan', request }, LOOK_DEADLINE_MS);
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
    // Each has a second question at hand when it answers one.
    await Promise.all([...lanes, ...lanes].map(work));
    await Promise.all(lanes.slice(1).map((lane) => lane.close()));
    this.#count(requests.length);
    return results.flat();
  }

  #count(read: number): void {
    this.#read += read;
    if (this.#read < MANY || this.#isStopped) return;
    this.#cancelGiveBack?.();
    this.#cancelGiveBack = this.#clock.after(GIVE_BACK_MS, () => void this.#giveBack());
  }

  async #giveBack(): Promise<void> {
    this.#read = 0;
    // Whatever keeps the worker from it is found when it is asked for something.
    await this.#lane.queue<'give-back'>({ op: 'give-back' }, LOOK_DEADLINE_MS).catch(() => undefined);
    giveBackMemory('once');
  }

  #furtherLanes(files: number): WorkerLane[] {
    const count = files < MANY ? 0 : Math.min(MAX_LANES, availableParallelism()) - 1;
    return Array.from({ length: count }, () => new WorkerLane(this.#clock));
  }

  async #loadBatch(lane: WorkerLane, batch: Batch): Promise<readonly LoadResult[]> {
    const { requests } = batch;
    try {
      return await ask(lane, this.#questionOf(batch), 'follow');
    } catch (error) {
      const [first] = requests;
      if (first !== undefined && requests.length === 1 && !(error instanceof BystanderError))
        return [refused(first, error)];
    }
    const results: LoadResult[] = [];
    for (const request of requests)
      results.push(...(await this.#loadAlone(lane, { ...batch, requests: [request] }, request)));
    return results;
  }

  /** While nothing else is asked, so that only the file is to blame. */
  async #loadAlone(lane: WorkerLane, batch: Batch, request: LoadRequest): Promise<readonly LoadResult[]> {
    try {
      return await ask(lane, this.#questionOf(batch), 'queue');
    } catch (error) {
      return [refused(request, error)];
    }
  }

  #questionOf(batch: Batch): LoadQuestion {
    return { op: 'load', ...batch, round: this.#round };
  }

  async parse(text: string, file: string, variables = NO_VARIABLES): Promise<ParsedFile | Refusal> {
    this.#count(1);
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
    this.#isStopped = true;
    this.#cancelGiveBack?.();
    await this.#lane.close();
  }
}

/** Requests that are answered together. */
interface Batch {
  readonly dir: string;
  readonly requests: readonly LoadRequest[];
  readonly variables: Variables;
}

type LoadQuestion = Extract<Question, { op: 'load' }>;

/** Asks for the next piece only once the last one is here, so that the event loop turns in between. */
async function ask(
  lane: WorkerLane,
  question: LoadQuestion,
  how: 'queue' | 'follow',
): Promise<readonly LoadResult[]> {
  const bytes = question.requests.reduce((sum, { size }) => sum + size, 0);
  let answer = await lane[how]<'load'>(question, loadDeadlineMs(bytes));
  if (answer.rest === undefined) return answer.results;
  const results = [...answer.results];
  while (answer.rest !== undefined) {
    answer = await lane.queue<'more'>({ op: 'more', rest: answer.rest }, LOAD_DEADLINE_MS);
    results.push(...answer.results);
  }
  return joinPieces(results);
}

function refused({ name }: LoadRequest, error: unknown): LoadResult {
  return { name, status: 'refused', refusal: refusalFor(error) };
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
  const isLate = error instanceof DeadlineError || error instanceof BystanderError;
  return isLate ? TIMED_OUT : PARSE_FAILED;
}
