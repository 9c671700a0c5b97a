import { errorMessage, formatDiagnostic, type Clock, type Diagnostic, type Logger } from '../../api/index.ts';
import type { Source, SourceCommit, SourceState } from '../../reconcile/index.ts';
import type { Reader } from '../sighting.ts';
import { NO_VARIABLES, VariableSet } from '../variable-set.ts';
import { WorkerReader } from '../worker-reader.ts';
import { Checkout, type GoodCommit } from './checkout.ts';
import { Clone } from './clone.ts';
import { describeCommit, shortHash } from './commit.ts';
import { TreeDamage } from './files.ts';
import { foldersFor, type GitFolders } from './folders.ts';
import type { GitCode, GitProblem } from './problem.ts';
import { readRecord, writeRecord } from './record.ts';
import { SimpleGitRunner } from './runner.ts';
import { settingsOf, type GitSettings, type GitSourceOptions } from './settings.ts';
import { SignatureCheck } from './signature.ts';
import { toProblem } from './to-problem.ts';
import { nextDelayMs } from './timing.ts';
import { Trees } from './trees.ts';

/** start() waits this long at most for the remote. */
const START_PATIENCE_MS = 5_000;
/** Verdicts on a commit that depend on the keyring are looked at again each time. */
const BY_KEYRING: ReadonlySet<GitCode> = new Set(['git-unsigned', 'git-signature-bad', 'git-keyring']);

/** A source that can be told to look now. */
export interface GitSource extends Source {
  /** Asks the remote at once; ends when what was pushed before the call is in force or refused. Never fails: state() tells. */
  sync(): Promise<void>;
}

/**
 * Manifests from a Git repository; docs/git.md says what counts when. Nothing is read before start(). Fails with
 * `invalid-request` where an option cannot be.
 */
export function createGitSource(options: GitSourceOptions): GitSource {
  return new PollingGitSource(options);
}

/** The object that the ref was when it was last looked into, and what came of it. */
interface Verdict {
  readonly oid: string;
  readonly problem?: GitProblem;
}

class PollingGitSource implements GitSource {
  readonly name = 'git';
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #random: () => number;
  readonly #settings: GitSettings;
  readonly #folders: GitFolders;
  readonly #reader: Reader;
  readonly #clone: Clone;
  readonly #trees: Trees;
  readonly #signatures: SignatureCheck | undefined;
  readonly #checkout: Checkout;
  readonly #variables: VariableSet;
  readonly #abort = new AbortController();
  #changed: (() => void) | undefined;
  #state: SourceState = { diagnostics: [], doubt: 'the Git remote was not asked yet' };
  #inForce: GoodCommit | undefined;
  /** The commit that was in force before. */
  #previous: string | undefined;
  #isUntidy = false;
  #attempted: SourceCommit | undefined;
  #verdict: Verdict | undefined;
  #problem: GitProblem | undefined;
  #wasAsked = false;
  #lastSyncMs: number | undefined;
  /** Tries in a row that ended with a transient problem. */
  #failures = 0;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(options: GitSourceOptions) {
    const { clock, logger, random, stateDir, environment } = options;
    this.#clock = clock;
    this.#logger = logger;
    this.#random = random;
    const settings = settingsOf(options);
    const folders = foldersFor(stateDir, settings.remote.url);
    const runner = options.runner ?? new SimpleGitRunner(clock);
    const reader = options.reader ?? new WorkerReader(clock);
    const { verifyKeyring } = settings;
    this.#settings = settings;
    this.#folders = folders;
    this.#reader = reader;
    this.#clone = new Clone({
      settings,
      folders,
      runner,
      environment,
      clock,
      logger,
      signal: this.#abort.signal,
    });
    this.#trees = new Trees(folders);
    this.#signatures =
      verifyKeyring === undefined ? undefined : new SignatureCheck(verifyKeyring, folders, settings);
    this.#variables = new VariableSet(options.variables ?? NO_VARIABLES);
    this.#checkout = new Checkout({
      settings,
      clone: this.#clone,
      trees: this.#trees,
      reader,
      signatures: this.#signatures,
      variables: () => this.#variables.values,
    });
  }

  async start(changed: () => void): Promise<void> {
    if (this.#changed !== undefined) throw new Error('the source is started already');
    this.#changed = changed;
    this.#running = this.#begin();
    const { promise: patience, resolve } = Promise.withResolvers<undefined>();
    const cancel = this.#clock.after(START_PATIENCE_MS, () => resolve(undefined));
    await Promise.race([this.#running, patience]);
    cancel();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#cancelTimer?.();
    await this.#running;
    await this.#reader.stop();
  }

  state(): SourceState {
    return this.#state;
  }

  sync(): Promise<void> {
    return this.#run(true);
  }

  async #begin(): Promise<void> {
    await this.#variables.settled(this.#reader, this.#clock);
    await this.#restore();
    this.#running = undefined;
    await this.#run(false);
  }

  /** A call during a run starts another run after it, for all calls that come until then. */
  #run(isForced: boolean): Promise<void> {
    if (this.#changed === undefined || this.#abort.signal.aborted) return Promise.resolve();
    if (this.#running !== undefined) {
      this.#next ??= this.#running.then(() => {
        this.#next = undefined;
        return this.#run(true);
      });
      return this.#next;
    }
    this.#cancelTimer?.();
    this.#running = this.#pull(isForced).finally(() => {
      this.#running = undefined;
      this.#setTimer();
    });
    return this.#running;
  }

  #setTimer(): void {
    if (this.#abort.signal.aborted) return;
    const delayMs = nextDelayMs(this.#settings.intervalMs, this.#failures, this.#random());
    this.#cancelTimer = this.#clock.after(delayMs, () => void this.#run(false));
  }

  async #pull(isForced: boolean): Promise<void> {
    try {
      if (await this.#variables.settled(this.#reader, this.#clock)) await this.#adoptAnew();
      const fetched = isForced ? await this.#clone.fetchNewest() : undefined;
      const oid = fetched ?? (await this.#clone.newest());
      if (this.#isSettled(oid, isForced)) this.#problem = this.#verdict?.problem;
      else await this.#adopt(oid, fetched !== undefined);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#problem = toProblem(error);
    }
    this.#failures = this.#problem?.isTransient === true ? this.#failures + 1 : 0;
    this.#wasAsked = true;
    if (this.#problem === undefined || !this.#problem.isDoubtful) this.#lastSyncMs = this.#clock.now();
    this.#publish();
    await this.#tidy();
  }

  /** Whether looking into this object again would tell nothing new. */
  #isSettled(oid: string, isForced: boolean): boolean {
    if (this.#verdict?.oid !== oid) return false;
    const { problem } = this.#verdict;
    return problem === undefined || (!isForced && !BY_KEYRING.has(problem.code));
  }

  /** What is in force means something else with other variables; the remote need not be there for that. */
  async #adoptAnew(): Promise<void> {
    this.#verdict = undefined;
    if (this.#inForce?.files.some(({ file }) => file.usesVariables))
      await this.#adopt(this.#inForce.oid, true);
  }

  /** Brings an object into force, or remembers why not. Fails with what has nothing to do with the object. */
  async #adopt(oid: string, isFetched: boolean): Promise<void> {
    try {
      if (!isFetched) await this.#clone.fetch(oid);
      const commit = await this.#checkout.commitOf(oid);
      this.#attempted = commit;
      const good = await this.#checkout.read(oid, commit, this.#inForce?.files ?? []);
      await this.#record(good);
      this.#switch(good);
    } catch (error) {
      const problem = toProblem(error);
      if (!problem.isOfTheCommit && !BY_KEYRING.has(problem.code)) throw problem;
      this.#verdict = { oid, problem };
      this.#problem = problem;
    }
  }

  async #record({ oid, commit, files }: GoodCommit): Promise<void> {
    const keyring = await this.#signatures?.keyringDigest();
    await writeRecord(this.#folders.record, this.#settings, {
      oid,
      commit,
      syncedMs: this.#clock.now(),
      ...(keyring === undefined ? {} : { keyring }),
      files: files.map(({ name, blob, hash }) => ({ name, blob, hash })),
    });
  }

  #switch(good: GoodCommit): void {
    if (this.#inForce && this.#inForce.commit.commit !== good.commit.commit)
      this.#previous = this.#inForce.commit.commit;
    this.#inForce = good;
    this.#isUntidy = true;
    this.#verdict = { oid: good.oid };
    this.#problem = undefined;
    this.#logger.info(
      { commit: good.commit.commit, revision: good.revision.digest, objects: good.revision.objects.size },
      'a new commit is in force',
    );
  }

  /** Drops what no commit in use needs, once the new one is in force. */
  async #tidy(): Promise<void> {
    if (!this.#isUntidy || this.#inForce === undefined) return;
    this.#isUntidy = false;
    const { commit } = this.#inForce.commit;
    await this.#trees.keepOnly([commit, ...(this.#previous === undefined ? [] : [this.#previous])]);
    await this.#clone.tidy();
  }

  /** What was in force when the agent ended stays in force until the remote says otherwise. */
  async #restore(): Promise<void> {
    const record = await readRecord(this.#folders.record, this.#settings);
    if (record === undefined) return;
    try {
      const good = await this.#checkout.restore(record).catch(async (error: unknown) => {
        if (!(error instanceof TreeDamage)) throw error;
        this.#logger.warn(
          { reason: error.message },
          'the checked-out commit is damaged and is written again',
        );
        return this.#checkout.read(record.oid, record.commit, []);
      });
      this.#inForce = good;
      this.#attempted = good.commit;
      this.#verdict = { oid: good.oid };
      this.#lastSyncMs = record.syncedMs;
    } catch (error) {
      this.#logger.warn(
        { reason: errorMessage(error) },
        'the commit that was in force cannot be used any more',
      );
    }
    this.#publish();
  }

  /** Makes the new state, and rings when it says something else than the old one. */
  #publish(): void {
    const before = this.#state;
    this.#state = {
      diagnostics: this.#diagnostics(),
      ...(this.#inForce ? { revision: this.#inForce.revision, commit: this.#inForce.commit } : {}),
      ...(this.#attempted ? { attempted: this.#attempted } : {}),
      ...this.#doubt(),
      ...(this.#lastSyncMs === undefined ? {} : { lastSyncMs: this.#lastSyncMs }),
      ...(this.#problem ? { problem: this.#problem.code } : {}),
    };
    if (summary(before) === summary(this.#state)) return;
    if (this.#problem && this.#problem.code !== before.problem) {
      this.#logger.warn(
        { code: this.#problem.code, reason: this.#problem.message },
        'the newest commit is not in force',
      );
    }
    this.#changed?.();
  }

  #diagnostics(): Diagnostic[] {
    const own = this.#variables.diagnostics();
    const warnings = this.#inForce?.diagnostics ?? [];
    if (this.#problem === undefined) return [...own, ...warnings];
    const { code, message, diagnostics } = this.#problem;
    const kept = this.#inForce ? `; commit ${shortHash(this.#inForce.commit.commit)} stays in force` : '';
    const about: Diagnostic = {
      code,
      severity: 'error',
      file: this.#settings.remote.url,
      line: 1,
      column: 1,
      message: `${message}${kept}`,
    };
    return [about, ...own, ...(diagnostics.length > 0 ? diagnostics : warnings)];
  }

  #doubt(): Pick<SourceState, 'doubt'> {
    if (!this.#wasAsked) return { doubt: 'the Git remote was not asked yet' };
    if (this.#problem?.isDoubtful !== true) return {};
    const after = this.#inForce
      ? `, and what came after commit ${describeCommit(this.#inForce.commit)} is unknown`
      : '';
    return { doubt: `the Git source does not work (${this.#problem.code})${after}` };
  }
}

/** All that a listener could care about. */
function summary({ revision, diagnostics, doubt, commit, attempted }: SourceState): string {
  const commits = [commit?.commit, attempted?.commit];
  return [revision?.digest, doubt, ...commits, ...diagnostics.map(formatDiagnostic)].join('\n');
}
