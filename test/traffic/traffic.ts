/** Traffic between the containers of a lab, or of this machine: who answered, and what was lost. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { LabHost } from '../lab/lab.ts';
import type { ClientOptions } from './client.ts';
import { HTTP_PORT, LINE_PORT } from './protocol.ts';
import type { TrafficReport } from './report.ts';

const CLIENT = join(import.meta.dirname, 'client.ts');
const STOP_MS = 120_000;

export interface TrafficOptions extends Partial<ClientOptions> {
  /** The name whose servers are asked. */
  readonly name: string;
  /** The container, running on `host`, in whose network the client is. */
  readonly host: LabHost;
  readonly container: string;
}

/** A client that runs. It ends with this process at the latest. */
export class Traffic {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  #errors = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#reader = createInterface({ input: child.stdout! });
    this.#lines = this.#reader[Symbol.asyncIterator]();
    child.stderr!.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()));
    child.stdin!.on('error', () => undefined); // the answer that then does not come is the error
  }

  /** Waits until the client was answered once and counts. */
  async ready(): Promise<void> {
    await this.#next();
  }

  /** What it has seen so far. */
  async report(): Promise<TrafficReport> {
    this.#child.stdin!.write('report\n');
    return (await this.#next()) as TrafficReport;
  }

  /** Sends no more, waits for what is under way (a transfer: to its end), and tells what it saw. */
  async stop(): Promise<TrafficReport> {
    const timer = setTimeout(() => void this.kill(), STOP_MS);
    try {
      this.#child.stdin!.write('stop\n');
      return (await this.#next()) as TrafficReport;
    } finally {
      clearTimeout(timer);
      await this.kill();
    }
  }

  /** Ends it at once, without a report. */
  async kill(): Promise<void> {
    this.#reader.close();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  async #next(): Promise<unknown> {
    const next: IteratorResult<string, unknown> = await this.#lines.next();
    if (next.done) throw new Error(`the client of the traffic ended: ${this.#errors.trim()}`);
    return JSON.parse(next.value) as unknown;
  }
}

/** Starts a client right here: no namespace is entered. */
export function startClient(options: Partial<ClientOptions> & { name: string }): Promise<Traffic> {
  return start([], options);
}

/** Starts a client in a container's network, and waits until the name's servers answer it. */
export async function startTraffic({ host, container, ...options }: TrafficOptions): Promise<Traffic> {
  const pid = await host.containerPid(container);
  if (pid === undefined) throw new Error(`container ${container} does not run on ${host.name}`);
  return start(['nsenter', `--net=/proc/${pid}/ns/net`], options);
}

async function start(enter: string[], options: Partial<ClientOptions> & { name: string }): Promise<Traffic> {
  const all: ClientOptions = {
    dns: '127.0.0.11:53',
    httpPort: HTTP_PORT,
    linePort: LINE_PORT,
    rate: 0,
    connections: 0,
    intervalMs: 200,
    timeoutMs: 15_000,
    ...options,
  };
  const [command = '', ...args] = enter.concat(process.execPath, CLIENT, JSON.stringify(all));
  const traffic = new Traffic(spawn(command, args, { stdio: 'pipe' }));
  try {
    await traffic.ready();
  } catch (error) {
    await traffic.kill();
    throw error;
  }
  return traffic;
}
