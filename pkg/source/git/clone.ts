import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage, type Clock, type Logger } from '../../api/index.ts';
import { countPacks, removeLeftovers, sizeOf } from './clone-files.ts';
import { gitConfig, gitEnvironment, type Environment } from './environment.ts';
import type { GitFolders } from './folders.ts';
import { GitProblem, type GitCode } from './problem.ts';
import type { Ref } from './remote.ts';
import { isDamage, toProblem } from './to-problem.ts';
import type { GitRunner } from './runner.ts';
import type { GitSettings } from './settings.ts';
import { readToken } from './token.ts';
import { checkKeyFiles } from './key-files.ts';

/** How often the size of a growing clone is looked at. */
const SIZE_CHECK_MS = 100;
/** From so many packs on, one call makes one of them. */
const MANY_PACKS = 20;
const MIB = 1024 * 1024;
/** What asking may explain better, or a new clone mend. */
const ASK_FIRST: ReadonlySet<GitCode> = new Set([
  'git-ref-missing',
  'git-too-large',
  'git-corrupt',
  'git-failed',
]);
/** Keeps the commit from being thrown away. */
const KEPT_REF = 'refs/ovr/newest';

export interface CloneParts {
  readonly settings: GitSettings;
  readonly folders: GitFolders;
  readonly runner: GitRunner;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends every call. */
  readonly signal: AbortSignal;
}

/** A call on the clone that is there already. */
export interface LocalCall {
  readonly args: readonly string[];
  readonly input?: string;
  readonly environment?: Environment;
  /** Another clone than the usual one. */
  readonly clone?: string;
}

/** The bare clone of one remote. Everything in it can be made again, so what is damaged is thrown away. */
export class Clone {
  readonly #parts: CloneParts;
  readonly #environment: Environment;
  #isPrepared = false;
  /** Full name of the ref, once the remote had it. */
  #name: string | undefined;

  constructor(parts: CloneParts) {
    this.#parts = parts;
    this.#environment = gitEnvironment(parts.environment, parts.folders, parts.settings);
  }

  /** Asks the remote which object the ref is now: one process, nothing is stored. Fails with GitProblem. */
  async newest(): Promise<string> {
    const { ref, remote } = this.#parts.settings;
    if (ref.type === 'commit') return ref.commit;
    await this.#prepare();
    const patterns = ref.type === 'head' ? ['HEAD'] : ref.candidates;
    const listed = await this.#remote(['ls-remote', '--', remote.url, ...patterns], {});
    const found = chosen(listed, ref);
    if (found === undefined) throw missingRef(ref, listed);
    this.#name = found.name;
    return found.oid;
  }

  /**
   * Gets what the ref is now without asking first: after a push that is one connection instead of two. Only for a ref that was seen
   * before and has no rival; where it does not work, undefined, and asking tells why. Fails with GitProblem.
   */
  async fetchNewest(): Promise<string | undefined> {
    const { folders, settings } = this.#parts;
    const [first = 'HEAD'] = settings.ref.type === 'name' ? settings.ref.candidates : [];
    if (this.#name !== first) return undefined;
    await this.#prepare();
    try {
      await this.#init(folders.clone);
      await this.#fetchInto(folders.clone, first);
      return (await this.local({ args: ['rev-parse', '--verify', KEPT_REF] })).trim();
    } catch (error) {
      const problem = toProblem(error);
      if (ASK_FIRST.has(problem.code)) return undefined;
      throw problem;
    }
  }

  /** Gets one object with all that it needs, but no history. A clone that is damaged is made again, once. Fails with GitProblem. */
  async fetch(oid: string): Promise<void> {
    await this.#prepare();
    try {
      await this.#init(this.#parts.folders.clone);
      await this.#fetchInto(this.#parts.folders.clone, oid);
    } catch (error) {
      if (!isDamage(error)) throw toProblem(error);
      await this.remake(oid, error);
    }
  }

  /** Replaces the clone by a new one with this object or ref in it; the old one stays until that is done. Fails with GitProblem. */
  async remake(wanted: string, reason: unknown): Promise<void> {
    const { folders, logger } = this.#parts;
    logger.warn({ reason: errorMessage(reason) }, 'the clone is made again');
    try {
      await rm(folders.newClone, { recursive: true, force: true });
      await this.#init(folders.newClone);
      await this.#fetchInto(folders.newClone, wanted);
      await rm(folders.clone, { recursive: true, force: true });
      await rename(folders.newClone, folders.clone);
    } catch (error) {
      await rm(folders.newClone, { recursive: true, force: true }).catch(() => undefined);
      throw toProblem(error);
    }
  }

  /** Runs git on the clone. Fails with GitFailure. */
  local({ args, input, environment, clone = this.#parts.folders.clone }: LocalCall): Promise<string> {
    const { folders, runner, settings, signal } = this.#parts;
    return runner.run({
      args,
      cwd: folders.home,
      environment: { ...this.#environment, GIT_DIR: clone, ...environment },
      timeoutMs: settings.timeoutMs,
      signal,
      ...(input === undefined ? {} : { input }),
    });
  }

  /** Makes one pack of many, and drops what no commit in use needs. */
  async tidy(): Promise<void> {
    const { folders, logger } = this.#parts;
    if ((await countPacks(folders.clone)) < MANY_PACKS) return;
    try {
      await this.local({ args: ['gc', '--quiet', '--prune=now'] });
    } catch (error) {
      logger.warn({ error }, 'the clone cannot be tidied up');
    }
  }

  /** Folders, configuration, and nothing left over from an agent that was killed. */
  async #prepare(): Promise<void> {
    const { folders, settings } = this.#parts;
    if (this.#isPrepared && existsSync(folders.config) && existsSync(folders.gnupg)) return;
    try {
      await mkdir(folders.root, { recursive: true, mode: 0o700 });
      for (const folder of [folders.home, folders.gnupg, folders.trees]) {
        await mkdir(folder, { recursive: true, mode: 0o700 });
      }
      await rm(folders.secretConfig, { force: true });
      await rm(folders.newClone, { recursive: true, force: true });
      await writeFile(folders.config, gitConfig(settings), { mode: 0o600 });
      await removeLeftovers(folders.clone);
    } catch (error) {
      throw toProblem(error);
    }
    this.#isPrepared = true;
  }

  async #init(clone: string): Promise<void> {
    if ((await readFile(join(clone, 'HEAD'), 'utf8').catch(() => '')) !== '') return;
    await this.local({
      args: ['init', '--bare', '--template=', '--initial-branch=none', '--', clone],
      clone,
    });
  }

  async #fetchInto(clone: string, wanted: string): Promise<void> {
    const { settings, signal } = this.#parts;
    const args = [
      'fetch',
      '--depth=1',
      '--update-shallow',
      '--no-tags',
      '--force',
      '--no-write-fetch-head',
      '--no-recurse-submodules',
      '--no-auto-maintenance',
      '--',
      settings.remote.url,
      `${wanted}:${KEPT_REF}`,
    ];
    const watch = this.#watchSize(clone);
    try {
      await this.#remote(args, { clone, signal: AbortSignal.any([signal, watch.signal]) });
    } catch (error) {
      await removeLeftovers(clone).catch(() => undefined);
      if (!watch.signal.aborted || signal.aborted) throw error;
      await this.#startOver(clone, wanted);
    } finally {
      watch.stop();
    }
    if ((await sizeOf(clone)) <= settings.maxBytes) return;
    await this.local({ args: ['gc', '--quiet', '--prune=now'], clone });
    if ((await sizeOf(clone)) > settings.maxBytes) await this.#startOver(clone, wanted);
  }

  /** What is old may be what makes a clone too large: a new one shows. */
  async #startOver(clone: string, wanted: string): Promise<void> {
    if (clone === this.#parts.folders.newClone) throw this.#tooLarge();
    try {
      await this.remake(wanted, 'it is too large');
    } catch (error) {
      // What is in force is checked out, so nothing is lost.
      if (toProblem(error).code === 'git-too-large') await rm(clone, { recursive: true, force: true });
      throw error;
    }
  }

  #tooLarge(): GitProblem {
    const limit = Math.round(this.#parts.settings.maxBytes / MIB);
    return new GitProblem(
      'git-too-large',
      `the clone would be larger than ${limit} MiB; keep manifests in a repository of their own`,
    );
  }

  #watchSize(clone: string): { readonly signal: AbortSignal; readonly stop: () => void } {
    const { clock, settings } = this.#parts;
    const abort = new AbortController();
    let cancel = (): void => undefined;
    const next = (): void => {
      cancel = clock.after(SIZE_CHECK_MS, () => void check());
    };
    let isOver = false;
    const check = async (): Promise<void> => {
      const size = await sizeOf(clone).catch(() => 0);
      if (isOver) return;
      if (size > settings.maxBytes) abort.abort();
      else next();
    };
    next();
    return {
      signal: abort.signal,
      stop: () => {
        isOver = true;
        cancel();
      },
    };
  }

  /** A call that goes to the remote. The token is in a file for as long as the call takes. */
  async #remote(
    args: readonly string[],
    { clone, signal = this.#parts.signal }: { clone?: string; signal?: AbortSignal },
  ): Promise<string> {
    const { folders, runner, settings } = this.#parts;
    const { ssh, tokenFile, remote, timeoutMs } = settings;
    if (ssh) await checkKeyFiles(ssh);
    const environment = { ...this.#environment, ...(clone === undefined ? {} : { GIT_DIR: clone }) };
    const call = { args, cwd: folders.home, environment, timeoutMs, signal };
    try {
      if (tokenFile === undefined) return await runner.run(call);
      const authorization = await readToken(tokenFile, remote.user);
      await writeFile(folders.secretConfig, gitConfig(settings, { authorization }), { mode: 0o600 });
      return await runner.run({
        ...call,
        environment: { ...environment, GIT_CONFIG_GLOBAL: folders.secretConfig },
      });
    } catch (error) {
      if (isDamage(error)) throw error;
      throw toProblem(error);
    } finally {
      if (tokenFile !== undefined) await rm(folders.secretConfig, { force: true }).catch(() => undefined);
    }
  }
}

/** The first candidate that is there, and its object. */
function chosen(listed: string, ref: Ref): { readonly name: string; readonly oid: string } | undefined {
  const oids = new Map<string, string>();
  for (const line of listed.split('\n')) {
    const [, oid, name] = /^([\da-f]{40,64})\t(\S+)$/.exec(line) ?? [];
    if (oid !== undefined && name !== undefined) oids.set(name, oid);
  }
  const candidates = ref.type === 'name' ? ref.candidates : ['HEAD'];
  for (const name of candidates) {
    const oid = oids.get(name);
    if (oid !== undefined) return { name, oid };
  }
  return undefined;
}

function missingRef(ref: Ref, listed: string): GitProblem {
  if (ref.type !== 'name') {
    return new GitProblem('git-ref-missing', 'the repository has no commits; push one, or name a branch');
  }
  const isHash = /^[\da-f]{7,63}$/.test(ref.text);
  const also = isHash ? '; a commit must be written with its whole hash' : '';
  const others = listed.trim() === '' ? '' : ' (only other refs that end like it)';
  return new GitProblem(
    'git-ref-missing',
    `the remote has no branch or tag ${ref.text}${others}; push it, or name another one${also}`,
  );
}
