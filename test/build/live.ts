/** An ovrd on a real host, and what tests on it do again and again. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';
import type { Kind } from '../../pkg/api/index.ts';
import type { AgentEvent, AgentStatus, ObjectStatus } from '../../pkg/reconcile/index.ts';
import type { LabHost } from '../lab/lab.ts';
import { until } from '../lab/run.ts';
import { startOvrd, type Ovrd } from '../tools/ovrd.ts';
import { DockerApi } from './docker-api.ts';

/** How long things may take on a busy machine. */
const PATIENCE_MS = 45_000;

/** One document of a manifest. */
export interface Document {
  readonly kind: Kind;
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: Readonly<Record<string, unknown>>;
}

type Annotations = Readonly<Record<string, string>>;

export function network(name: string, spec: Document['spec'] = {}, annotations: Annotations = {}): Document {
  return { kind: 'Network', metadata: { name, annotations }, spec };
}

/** A busybox that sleeps, unless the spec says otherwise. */
export function container(
  name: string,
  spec: Document['spec'] = {},
  annotations: Annotations = {},
): Document {
  const sleeper = { image: 'busybox:latest', command: ['sleep'], args: ['100000'] };
  return { kind: 'Container', metadata: { name, annotations }, spec: { ...sleeper, ...spec } };
}

/** The same with labels for selectors. */
export function labelled(document: Document, labels: Annotations): Document {
  return { ...document, metadata: { ...document.metadata, labels } };
}

/** An alias under its own name. */
export function alias(name: string, spec: Document['spec']): Document {
  return { kind: 'Alias', metadata: { name }, spec };
}

/** The text of a manifest file: JSON is YAML too. */
export function manifest(...documents: readonly Document[]): string {
  return documents.map((document) => JSON.stringify({ apiVersion: 'ovr/v1', ...document })).join('\n---\n');
}

/** Puts a file in place as editors and configuration tools do: written beside, renamed over. */
export async function place(folder: string, file: string, text: string): Promise<void> {
  const path = join(folder, file);
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

/**
 * Undoes things after the last test of a file or a `describe`, last first, also when its `beforeAll` got only half-way.
 * @returns takes what is to be undone
 */
export function undoAfterAll(): (undo: () => Promise<unknown>) => void {
  const undos: (() => Promise<unknown>)[] = [];
  afterAll(async () => {
    const failures: unknown[] = [];
    for (const undo of undos.reverse()) await undo().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  });
  return (undo) => void undos.push(undo);
}

/** A folder that goes with the test. */
export async function testFolder(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `ovr-${name}-`));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface NodeOptions {
  readonly host: LabHost;
  /** A folder of its own, unless given. */
  readonly manifests?: string;
  readonly args?: readonly string[];
  /** Instead of the host's own socket. */
  readonly socket?: string;
  /** Where ovrd's socket, state and log are. */
  readonly folder?: string;
  /** In the host's own network, so that pulling its cable cuts ovrd off too. */
  readonly inHost?: boolean;
  /** As it is built, for figures; by default its source. */
  readonly from?: 'source' | 'dist';
}

/** One ovrd on one host. */
export class LiveNode {
  readonly host: LabHost;
  readonly docker: DockerApi;
  readonly manifests: string;
  ovrd: Ovrd;

  constructor(host: LabHost, manifests: string, ovrd: Ovrd) {
    this.host = host;
    this.docker = new DockerApi(host.socket);
    this.manifests = manifests;
    this.ovrd = ovrd;
  }

  status(): Promise<AgentStatus> {
    return this.ovrd.client.status();
  }

  async object(key: string): Promise<ObjectStatus | undefined> {
    return (await this.status()).objects.find((object) => object.key === key);
  }

  /** The condition an object shows now, as `Type: message`. */
  async condition(key: string): Promise<string> {
    const found = await this.object(key);
    return found === undefined ? 'none' : `${found.condition.type}: ${found.condition.message}`;
  }

  /** Puts one manifest file in place and waits until it is read and everything is as declared. */
  async declare(file: string, ...documents: readonly Document[]): Promise<void> {
    await this.offer(file, ...documents);
    await this.converged();
  }

  /** Puts one manifest file in place and waits until a round has looked at it, for which the engine must answer. */
  async offer(file: string, ...documents: readonly Document[]): Promise<void> {
    await this.#changed(() => place(this.manifests, file, manifest(...documents)));
  }

  /** Deletes one manifest file and waits until that is believed. */
  async withdraw(file: string): Promise<void> {
    await this.#changed(() => rm(join(this.manifests, file)));
  }

  /** The status shows a new revision a moment before a round has looked at it; the event comes with that round. */
  async #changed(change: () => Promise<void>): Promise<void> {
    const mark = await this.mark();
    await change();
    await this.eventually('the change is read', async () => {
      const events = await this.ovrd.client.events(mark);
      return events.some(({ type, message }) => type === 'Source' && message.startsWith('revision '));
    });
  }

  /** Waits until ovrd says that all is as declared. */
  async converged(): Promise<void> {
    await this.eventually('ovrd has converged', async () => (await this.status()).converged);
  }

  /** Waits until an object's condition reads so. */
  async shows(key: string, condition: RegExp): Promise<void> {
    await this.eventually(`${key} shows ${String(condition)}`, async () =>
      condition.test(await this.condition(key)),
    );
  }

  /** Waits until it holds; fails with what ovrd says instead. */
  async eventually(
    what: string,
    holds: () => Promise<boolean> | boolean,
    timeoutMs = PATIENCE_MS,
  ): Promise<void> {
    try {
      await until(what, timeoutMs, async () => ((await holds()) ? true : undefined));
    } catch (error) {
      throw new Error(`${String(error)}\n${await this.#story()}`, { cause: error });
    }
  }

  async #story(): Promise<string> {
    const status = await this.status().catch(() => undefined);
    const log = await this.ovrd.log().catch(() => '');
    const objects = status?.objects.map(
      ({ key, condition }) => `  ${key} ${condition.type}: ${condition.message}`,
    );
    const head = `ovrd on ${this.host.name}: converged ${String(status?.converged)}, engine ${status?.engine.message ?? '?'}`;
    return [head, ...(objects ?? []), log.trim().split('\n').slice(-15).join('\n')].join('\n');
  }

  /** The ID of the newest event. */
  async mark(): Promise<number> {
    return (await this.ovrd.client.events(0)).at(-1)?.id ?? 0;
  }

  /** The steps taken since a mark. */
  async steps(mark: number): Promise<AgentEvent[]> {
    return (await this.ovrd.client.events(mark)).filter(({ type }) => type === 'Action');
  }

  /** Ends ovrd and removes the manifests and everything on the host. */
  async close(): Promise<void> {
    await this.ovrd.stop();
    await rm(this.manifests, { recursive: true, force: true });
    await this.docker.clear();
  }

  /** Starts ovrd once it has ended, in the same folder and without further flags. */
  async startAgain(socket = this.host.socket): Promise<void> {
    const { folder } = this.ovrd;
    this.ovrd = await startOvrd({ dockerHost: `unix://${socket}`, manifests: this.manifests, folder });
  }

  /** Asks ovrd to look again, and waits until it has. */
  async lookAgain(): Promise<void> {
    const before = (await this.status()).lastRoundMs ?? 0;
    await this.ovrd.client.resync();
    await this.eventually('another round', async () => ((await this.status()).lastRoundMs ?? 0) > before);
  }
}

/** Starts an ovrd; `close` ends it, and clears the host of containers and networks. */
export async function openNode(options: NodeOptions): Promise<LiveNode> {
  const { host } = options;
  const manifests = options.manifests ?? (await mkdtemp(join(tmpdir(), 'ovr-manifests-')));
  const ovrd = await startOvrd({
    dockerHost: `unix://${options.socket ?? host.socket}`,
    manifests,
    args: options.args ?? [],
    from: options.from ?? 'source',
    ...(options.folder === undefined ? {} : { folder: options.folder }),
    ...(options.inHost ? { spawn: (command, settings) => host.spawn(command, settings) } : {}),
  }).catch(async (error: unknown) => {
    await rm(manifests, { recursive: true, force: true });
    throw error;
  });
  return new LiveNode(host, manifests, ovrd);
}

/** As openNode, and it is closed with the test. */
export async function startNode(options: NodeOptions): Promise<LiveNode> {
  onTestFinished(() => new DockerApi(options.host.socket).clear());
  const node = await openNode(options);
  onTestFinished(() => node.close());
  return node;
}

/** Addresses that a container gets for a name, sorted. */
export async function resolve(host: LabHost, inside: string, name: string): Promise<string[]> {
  const { stdout } = await host.exec(['docker', 'exec', inside, 'nslookup', '-type=a', name]);
  const answer = stdout.slice(stdout.indexOf('Name:'));
  return [...answer.matchAll(/^Address(?: \d+)?:\s*(\d+\.\d+\.\d+\.\d+)/gm)].map(([, ip = '']) => ip).sort();
}

/** Whether one container reaches another by name. */
export async function pings(host: LabHost, inside: string, name: string): Promise<boolean> {
  const { code } = await host.exec(['docker', 'exec', inside, 'ping', '-c', '1', '-W', '2', name]);
  return code === 0;
}
