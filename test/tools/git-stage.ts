/** What a test of the Git source needs: a repository, a state folder, and sources that are stopped at the end. */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  mkdirSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../pkg/agent/index.ts';
import type { Logger } from '../../pkg/api/index.ts';
import { createGitSource, type GitSource } from '../../pkg/source/index.ts';
import type { Reader } from '../../pkg/source/sighting.ts';
import { WorkerReader } from '../../pkg/source/worker-reader.ts';
import { TestRepository } from './git-server.ts';

export type StageOptions = Partial<Parameters<typeof createGitSource>[0]>;

const HOUR_MS = 3_600_000;

/** One for all tests, since starting one takes longer than anything else here. It keeps no process alive. */
const worker = new WorkerReader(systemClock);
export const sharedReader: Reader = {
  look: (request) => worker.look(request),
  scan: (dir) => worker.scan(dir),
  walk: (dir) => worker.walk(dir),
  load: (dir, requests, variables) => worker.load(dir, requests, variables),
  parse: (text, file, variables) => worker.parse(text, file, variables),
  variables: (files) => worker.variables(files),
  stop: () => Promise.resolve(),
};

export const network = (name: string, mtu = 1_400): string =>
  `apiVersion: ovr/v1\nkind: Network\nmetadata: {name: ${name}}\nspec: {mtu: ${mtu}}\n`;

/** A scene of its own for each test. */
export class GitStage {
  readonly base = mkdtempSync(join(tmpdir(), 'ovr-git-'));
  readonly repository = new TestRepository(this.base);
  readonly stateDir = join(this.base, 'state');
  /** Every line that was logged, as JSON. */
  readonly log: string[] = [];
  readonly #sources: GitSource[] = [];

  /** Starts a source that asks the remote only at its start and when told to. */
  async start(options: StageOptions = {}, changed: () => void = () => undefined): Promise<GitSource> {
    const source = createGitSource({
      url: this.repository.url,
      stateDir: this.stateDir,
      intervalMs: HOUR_MS,
      environment: process.env,
      clock: systemClock,
      logger: this.#logger(),
      random: Math.random,
      reader: sharedReader,
      ...options,
    });
    this.#sources.push(source);
    await source.start(changed);
    return source;
  }

  /** Stops it and starts another one, as a restart of the agent would. */
  async restart(source: GitSource, options: StageOptions = {}): Promise<GitSource> {
    await source.stop();
    return this.start(options);
  }

  async clear(): Promise<void> {
    for (const source of this.#sources) await source.stop();
    rmSync(this.base, { recursive: true, force: true });
  }

  /** A `git` that does more than git; returns the environment in which it is found. `{git}` stands for the real one. */
  wrapGit(script: string): NodeJS.ProcessEnv {
    const bin = join(this.base, 'bin');
    mkdirSync(bin, { recursive: true });
    const path = process.env['PATH'] ?? '';
    writeFileSync(join(bin, 'git'), `#!/bin/sh\n${script.replaceAll('{git}', realGit(path))}\n`);
    chmodSync(join(bin, 'git'), 0o755);
    return { PATH: `${bin}:${path}` };
  }

  /** The folder of the clone, when there is one remote. */
  get cache(): string {
    const [digest = ''] = readdirSync(join(this.stateDir, 'git'));
    return join(this.stateDir, 'git', digest);
  }

  #logger(): Logger {
    const write = (fields: object, message: string): void => {
      this.log.push(JSON.stringify({ message, ...fields }));
    };
    const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
    return logger;
  }
}

function realGit(path: string): string {
  const found = path
    .split(':')
    .map((folder) => join(folder, 'git'))
    .find((file) => existsSync(file));
  if (found === undefined) throw new Error('git is not installed');
  return found;
}

/** Names of the objects in force. */
export function namesOf(source: GitSource): string[] {
  return [...(source.state().revision?.objects.values() ?? [])].map(({ name }) => name);
}

/** Every file below a folder, with its content. */
export function contentOf(folder: string): string {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

/** Waits for something that must come true. */
export async function waitFor(what: string, holds: () => boolean, limitMs = 20_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`never: ${what}`);
    await sleep(5);
  }
}
