import {
  errorMessage,
  objectKey,
  OWNER_LABELS,
  readOwnership,
  SECRET_HASH_LABEL,
  formatSecretHashes,
  PLAIN_HASH_LABEL,
  type Clock,
  type ObjectKey,
} from '../api/index.ts';
import type { ContainerObject, Revision } from '../manifest/index.ts';
import type { ContainerCreate, SecretsNow } from '../plan/index.ts';
import type { ObservedContainer, ObservedState } from '../state/index.ts';
import type { HostKey, SecretKeeper, Secrets } from './ports.ts';
import type { SecretValue } from './read-env.ts';

/** A file that was changed within this time may be half-written. */
const SETTLE_MS = 1_000;
/** Rounds can follow each other quickly: files are looked at no more often than this. */
const PACE_MS = 2_000;
/** Changes come in bursts. */
const RUNG_MS = 100;
/** A look that takes longer is stuck, on a mount that hangs as a rule. */
const STUCK_MS = 10_000;
/** To try in vain to open an encrypted manifest costs a process. */
const REOPEN_MS = 30_000;

interface SecretWatchDeps {
  readonly secrets: Secrets;
  /** Absent: nothing is compared. */
  readonly secretKeeper?: SecretKeeper;
  readonly clock: Clock;
}

interface SecretWatchOptions {
  readonly cluster: string;
  /** Rings when something is known that was not before. */
  readonly changed: () => void;
}

/** What is known of one value file. Neither a hash nor a problem: nothing yet. */
interface FileEntry {
  /** Of what the hash is of. */
  readonly stamp?: string;
  readonly hash?: string;
  readonly problem?: string;
  /** Changed so recently that it was not read, and since when it has looked as it does. */
  readonly fresh?: { readonly stamp: string; readonly sinceMs: number };
}

/** What is known of one encrypted manifest: hashes by variable, or why there are none. */
interface SealedEntry {
  readonly hashes?: ReadonlyMap<string, string>;
  readonly problem?: string;
  readonly triedMs?: number;
}

/** The key of this host, or why there is none. */
interface KeyEntry {
  readonly key?: HostKey;
  readonly problem?: string;
}

type SecretsNowByKey = ReadonlyMap<ObjectKey, SecretsNow> | undefined;

/** One object whose secrets are compared, and whether its encrypted values are among them. */
interface Watched {
  readonly object: ContainerObject;
  readonly opens: boolean;
}

/**
 * Knows by keyed hashes what the secrets of this host's containers are now. Files are looked at beside the rounds, one after another, and read
 * only when they look different; a round takes what is known and never waits. Values are hashed and let go.
 */
export class SecretWatch {
  readonly #deps: SecretWatchDeps;
  readonly #options: SecretWatchOptions;
  #files = new Map<string, FileEntry>();
  #sealed = new Map<string, SealedEntry>();
  /** Files that could be looked at: to watch one on a mount that hangs would hang too. */
  readonly #answering = new Set<string>();
  /** Absent: not asked yet. */
  #key: KeyEntry | undefined;
  /** Counts changes of what is known. */
  #version = 0;
  readonly #views = new Map<ObjectKey, { version: number; watched: Watched; view: SecretsNow }>();
  #isLooking = false;
  #isStuck = false;
  #lookedMs = -Infinity;
  #cancelNext: (() => void) | undefined;
  #nextMs = Infinity;
  #isStopped = false;

  constructor(deps: SecretWatchDeps, options: SecretWatchOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelNext?.();
    this.#listen();
  }

  /** What is known now, by object; looks again beside where a look is due. */
  readonly now = (revision: Revision, observed: ObservedState): SecretsNowByKey => {
    if (!this.#deps.secretKeeper) return undefined;
    const watched = new Map<ObjectKey, Watched>();
    for (const container of observed.containers) {
      const each = this.#watched(revision, container);
      if (!each) continue;
      const opens = each.opens || (watched.get(each.object.key)?.opens ?? false);
      watched.set(each.object.key, { ...each, opens });
    }
    this.#keepOnly(watched);
    this.#lookIfDue();
    return new Map([...watched].map(([key, each]) => [key, this.#view(key, each)]));
  };

  /** Whether something is not known yet that will be soon. */
  get isPending(): boolean {
    if (this.#isStuck || this.#files.size + this.#sealed.size === 0) return false;
    return this.#key === undefined || (this.#key.key !== undefined && [...this.#entries()].some(isUnknown));
  }

  /** The labels of a container that is made with these values. Without a key there is one that says so. */
  readonly labelsFor = async (
    { labels, spec }: ContainerCreate,
    values: readonly SecretValue[],
  ): Promise<Readonly<Record<string, string>>> => {
    if (values.length === 0) return {};
    const key = await this.#loadKey(true);
    if (!key) return { [SECRET_HASH_LABEL]: '' };
    const owner = labels[OWNER_LABELS.name] ?? '';
    const hashes = new Map<string, string>();
    for (const { name, value } of values) {
      const content = contentHash(key, value);
      const { file } = spec.env.find((entry) => entry.name === name) ?? {};
      if (file !== undefined) this.#wasUsed(file, content);
      hashes.set(name, this.#variableHash(key, { owner, name, content }));
    }
    return { [SECRET_HASH_LABEL]: formatSecretHashes({ keyId: key.id, hashes }) };
  };

  /** A container got this content: what is known of the file is older if it is something else. */
  #wasUsed(file: string, hash: string): void {
    const entry = this.#files.get(file);
    if (!entry || entry.hash === hash) return;
    this.#files.set(file, {});
    this.#version += 1;
  }

  #watched({ objects }: Revision, { labels }: ObservedContainer): Watched | undefined {
    if (!labels[SECRET_HASH_LABEL]) return undefined;
    const owner = readOwnership(labels);
    if (owner?.cluster !== this.#options.cluster || owner.kind !== 'Container') return undefined;
    const object = objects.get(objectKey('Container', owner.name));
    if (object?.kind !== 'Container') return undefined;
    const isSealedAnew =
      object.specHash !== owner.specHash &&
      object.plainHash !== undefined &&
      object.plainHash === labels[PLAIN_HASH_LABEL];
    return { object, opens: isSealedAnew };
  }

  #keepOnly(watched: ReadonlyMap<ObjectKey, Watched>): void {
    const files = new Map<string, FileEntry>();
    const sealed = new Map<string, SealedEntry>();
    for (const { object, opens } of watched.values()) {
      for (const { file } of object.spec.env)
        if (file !== undefined) files.set(file, this.#files.get(file) ?? {});
      const { sealedBy } = object.spec;
      if (opens && sealedBy !== undefined) sealed.set(sealedBy, this.#sealed.get(sealedBy) ?? {});
    }
    this.#files = files;
    this.#sealed = sealed;
    if (files.size === 0) this.#listen();
    for (const key of this.#views.keys()) if (!watched.has(key)) this.#views.delete(key);
  }

  #view(key: ObjectKey, watched: Watched): SecretsNow {
    const known = this.#views.get(key);
    const isSame = known?.watched.object === watched.object && known.watched.opens === watched.opens;
    if (known?.version === this.#version && isSame) return known.view;
    const view = this.#makeView(watched);
    this.#views.set(key, { version: this.#version, watched, view });
    return view;
  }

  #makeView({ object, opens }: Watched): SecretsNow {
    const { key, problem } = this.#key ?? {};
    const hashes = new Map<string, string>();
    if (!key) return { hashes, isPending: this.#key === undefined, ...(problem ? { problem } : {}) };
    const { env, sealedBy = '' } = object.spec;
    const opened: SealedEntry = this.#sealed.get(sealedBy) ?? {};
    const parts = env.flatMap(({ name, file, sealed }): [string, Known][] => {
      if (file !== undefined) return [[name, knownOf(file, this.#files.get(file), this.#isStuck)]];
      if (sealed === undefined || !opens) return [];
      return [[name, { hash: opened.hashes?.get(name), problem: opened.problem }]];
    });
    for (const [name, { hash }] of parts)
      if (hash !== undefined)
        hashes.set(name, this.#variableHash(key, { owner: object.name, name, content: hash }));
    const problems = parts.map(([, part]) => part.problem).filter((each) => each !== undefined);
    const isPending = parts.some(([, part]) => part.hash === undefined && part.problem === undefined);
    return { keyId: key.id, hashes, isPending, ...(problems[0] ? { problem: problems[0] } : {}) };
  }

  /** Of one variable of one object: equal secrets do not look equal. */
  #variableHash(key: HostKey, of: { owner: string; name: string; content: string }): string {
    return key.hash(keyedInput('variable', this.#options.cluster, of.owner, of.name, of.content));
  }

  #lookIfDue(): void {
    if (this.#files.size + this.#sealed.size === 0) return;
    const isNew = this.#key === undefined || [...this.#entries()].some(isUntouched);
    if (isNew || this.#deps.clock.monotonic() - this.#lookedMs >= PACE_MS) void this.#look();
  }

  *#entries(): Iterable<FileEntry | SealedEntry> {
    yield* this.#files.values();
    yield* this.#sealed.values();
  }

  #listen(): void {
    for (const path of this.#answering) if (!this.#files.has(path)) this.#answering.delete(path);
    this.#deps.secretKeeper?.watch(this.#isStopped ? [] : this.#answering, this.#rung);
  }

  readonly #rung = (): void => {
    const sinceMs = this.#deps.clock.monotonic() - this.#lookedMs;
    this.#lookIn(Math.max(RUNG_MS, PACE_MS - sinceMs));
  };

  /** In that time at the latest. */
  #lookIn(ms: number): void {
    const dueMs = this.#deps.clock.monotonic() + ms;
    if (this.#isStopped || dueMs >= this.#nextMs) return;
    this.#cancelNext?.();
    this.#nextMs = dueMs;
    this.#cancelNext = this.#deps.clock.after(ms, () => {
      this.#nextMs = Infinity;
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    if (this.#isLooking || this.#isStopped) return;
    const before = this.#version;
    this.#isLooking = true;
    const cancel = this.#deps.clock.after(STUCK_MS, () => this.#stuck(true));
    const key = await this.#loadKey(false);
    if (key) {
      for (const path of this.#files.keys()) await this.#lookAt(path, key);
      for (const text of this.#sealed.keys()) await this.#open(text, key);
    }
    cancel();
    this.#isLooking = false;
    this.#listen();
    this.#lookedMs = this.#deps.clock.monotonic();
    this.#stuck(false);
    if (this.#version !== before) this.#tell();
    if (key) this.#lookAgain();
  }

  /** Where something came in between, or was changed so recently that it was not read. */
  #lookAgain(): void {
    if ([...this.#entries()].some(isUntouched)) this.#lookIn(0);
    else if ([...this.#files.values()].some(({ fresh }) => fresh)) this.#lookIn(SETTLE_MS);
  }

  #stuck(isStuck: boolean): void {
    if (this.#isStuck === isStuck) return;
    this.#isStuck = isStuck;
    this.#version += 1;
    this.#tell();
  }

  #tell(): void {
    if (!this.#isStopped) this.#options.changed();
  }

  /** A key that cannot be had is asked for again at each look. */
  async #loadKey(make: boolean): Promise<HostKey | undefined> {
    if (this.#key?.key) return this.#key.key;
    let found: KeyEntry;
    try {
      const key = await this.#deps.secretKeeper?.key(make);
      found = key ? { key } : { problem: 'the key of this host that it was made with is gone' };
    } catch (error) {
      found = { problem: errorMessage(error) };
    }
    if (this.#key?.key) return this.#key.key;
    if (JSON.stringify(this.#key) !== JSON.stringify(found)) this.#version += 1;
    this.#key = found;
    return found.key;
  }

  /** What was used meanwhile, or is not watched any more, is not what was looked at. */
  async #lookAt(path: string, key: HostKey): Promise<void> {
    const entry = this.#files.get(path);
    const { secretKeeper: keeper } = this.#deps;
    if (!entry || !keeper) return;
    const next = await this.#lookedAt(path, entry, { key, keeper });
    if (this.#files.get(path) !== entry || JSON.stringify(next) === JSON.stringify(entry)) return;
    this.#files.set(path, next);
    this.#version += 1;
  }

  async #lookedAt(
    path: string,
    entry: FileEntry,
    { key, keeper }: { key: HostKey; keeper: SecretKeeper },
  ): Promise<FileEntry> {
    const { clock, secrets } = this.#deps;
    const { fresh, ...known } = entry;
    try {
      const { stamp, changedMs } = await keeper.stamp(path);
      if (this.#files.has(path)) this.#answering.add(path);
      if (known.hash !== undefined && known.stamp === stamp) return known;
      const sinceMs = fresh?.stamp === stamp ? fresh.sinceMs : clock.monotonic();
      const isSettled = clock.now() - changedMs >= SETTLE_MS || clock.monotonic() - sinceMs >= SETTLE_MS;
      if (!isSettled) return { ...known, fresh: { stamp, sinceMs } };
      const hash = contentHash(key, await secrets.read(path));
      const after = await keeper.stamp(path);
      if (after.stamp === stamp) return { stamp, hash };
      return { ...known, fresh: { stamp: after.stamp, sinceMs: clock.monotonic() } };
    } catch (error) {
      return { problem: errorMessage(error) };
    }
  }

  /** An encrypted text is opened once; it never changes. */
  async #open(text: string, key: HostKey): Promise<void> {
    const entry = this.#sealed.get(text);
    const nowMs = this.#deps.clock.monotonic();
    if (!entry || entry.hashes || nowMs - (entry.triedMs ?? -Infinity) < REOPEN_MS) return;
    let next: SealedEntry;
    try {
      const opened = await this.#deps.secrets.open(text);
      next = { hashes: new Map([...opened].map(([name, value]) => [name, contentHash(key, value)])) };
    } catch (error) {
      next = { problem: errorMessage(error), triedMs: nowMs };
    }
    if (!this.#sealed.has(text)) return;
    this.#sealed.set(text, next);
    this.#version += 1;
  }
}

interface Known {
  readonly hash?: string | undefined;
  readonly problem?: string | undefined;
}

function knownOf(path: string, entry: FileEntry = {}, isStuck: boolean): Known {
  const isSilent = isStuck && entry.hash === undefined && entry.problem === undefined;
  return isSilent ? { problem: `looking at ${path} takes longer than ${STUCK_MS / 1_000} s` } : entry;
}

function isUntouched(entry: FileEntry | SealedEntry): boolean {
  return Object.keys(entry).length === 0;
}

function isUnknown(entry: FileEntry | SealedEntry): boolean {
  return isUntouched(entry) || 'fresh' in entry;
}

function contentHash(key: HostKey, value: string): string {
  return key.hash(keyedInput('content', value));
}

/** What a keyed hash is of: no two lists of texts are written alike. */
export function keyedInput(...parts: readonly string[]): string {
  return JSON.stringify(parts);
}
