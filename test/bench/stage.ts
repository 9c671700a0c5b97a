import { renameSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Lab, type LabHost, startLab } from '../lab/lab.ts';
import { type Ovrd, type OvrdOptions, startOvrd } from '../tools/ovrd.ts';
import { DockerApi } from './docker-api.ts';
import { eachOf } from './each.ts';
import { EngineEvents } from './engine-events.ts';
import { unitEnvironment } from './unit-environment.ts';

export const LAB = 'bench';
const REMOVE_TRIES = 50;
const REMOVE_PAUSE_MS = 200;
/** After a clean-up the engine still works for a moment on what it was told. */
const REST_MS = 1_000;
/** At the least between two of many, and as much again by chance. */
const BETWEEN_MS = 300;

/** One Docker host in Swarm mode, with Compose. */
export class Stage {
  readonly host: LabHost;
  readonly api: DockerApi;
  readonly events: EngineEvents;
  readonly #lab: Lab;

  static async open(): Promise<Stage> {
    const lab = await startLab({ name: LAB, topology: 'swarm', hosts: 1, engine: 'newer' });
    const [host] = lab.hosts;
    if (host === undefined) throw new Error('the lab has no host');
    return new Stage(lab, host, await EngineEvents.open(host.socket));
  }

  private constructor(lab: Lab, host: LabHost, events: EngineEvents) {
    this.#lab = lab;
    this.host = host;
    this.events = events;
    this.api = new DockerApi(host.socket);
  }

  /** Removes every container and every network that somebody made, and gives the engine a moment. */
  async clean(): Promise<void> {
    const containers = await this.api.containers();
    await eachOf([...containers.values()], 8, (id) => this.api.remove(id));
    for (const network of await this.api.networks()) await this.#removeNetwork(network);
    await sleep(REST_MS);
  }

  async close(): Promise<void> {
    this.events.close();
    this.api.close();
    await this.#lab.down();
  }

  /** Swarm mode takes a moment to see that nobody is on it any more. */
  async #removeNetwork(id: string): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.api.call({ method: 'DELETE', path: `/networks/${id}` });
        return;
      } catch (error) {
        if (tries === REMOVE_TRIES) throw error;
        await sleep(REMOVE_PAUSE_MS);
      }
    }
  }
}

/** Rests before the next one of many, for a time that differs so that no timer of anybody's keeps step. */
export async function restBetween(): Promise<void> {
  await sleep(BETWEEN_MS * (1 + Math.random()));
}

/** A folder of manifests, and where files are written before they are renamed into it. */
export class ManifestFolder {
  readonly path: string;
  readonly #root: string;
  readonly #staging: string;

  static async make(): Promise<ManifestFolder> {
    const root = await mkdtemp(join(tmpdir(), 'ovr-bench-'));
    const folder = new ManifestFolder(root);
    await mkdir(folder.path);
    await mkdir(folder.#staging);
    return folder;
  }

  private constructor(root: string) {
    this.#root = root;
    this.path = join(root, 'manifests');
    this.#staging = join(root, 'staging');
  }

  /** Writes files aside; `publish` makes them appear. */
  prepare(files: ReadonlyMap<string, string>): void {
    for (const [name, text] of files) writeFileSync(join(this.#staging, name), text);
  }

  /** Renames a prepared file into the folder. Returns the time just before. */
  publish(name: string): number {
    const from = join(this.#staging, name);
    const to = join(this.path, name);
    const atMs = performance.now();
    renameSync(from, to);
    return atMs;
  }

  write(files: ReadonlyMap<string, string>): void {
    this.prepare(files);
    for (const name of files.keys()) this.publish(name);
  }

  async remove(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }
}

/** Runs ovrd as it is built and as its unit runs it, on an engine's socket, while `work` lasts. */
export async function withOvrd<T>(
  options: Pick<OvrdOptions, 'manifests' | 'folder' | 'args'> & { readonly socket: string },
  work: (ovrd: Ovrd) => Promise<T>,
): Promise<T> {
  const { socket, ...rest } = options;
  const ovrd = await startOvrd({
    from: 'dist',
    dockerHost: `unix://${socket}`,
    env: unitEnvironment(),
    ...rest,
  });
  try {
    return await work(ovrd);
  } finally {
    await ovrd.stop();
  }
}

/** Waits until the agent says that all is as declared. */
export async function converged(ovrd: Ovrd, timeoutMs = 120_000): Promise<void> {
  const untilMs = performance.now() + timeoutMs;
  for (;;) {
    const status = await ovrd.client.status();
    if (status.converged) return;
    if (performance.now() > untilMs) {
      const wrong = status.objects.filter(({ condition }) => condition.type !== 'Ready').slice(0, 3);
      const reasons = wrong.map(({ key, condition }) => `${key}: ${condition.type}, ${condition.message}`);
      throw new Error(`not as declared after ${timeoutMs / 1_000} s: ${reasons.join('; ')}`);
    }
    await sleep(50);
  }
}
