/**
 * The client as a process of its own, to be run in a container's network namespace. Its argument is a `ClientOptions` as JSON. It
 * says `ready` once the name and its server answer, and begins to count; a line `report` or `stop` on its standard input gets a
 * report. It ends with its input, so it never outlives the process that started it.
 */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connections } from './connections.ts';
import { Resolver } from './dns.ts';
import type { TrafficReport } from './report.ts';
import { Requests, ask, type Target } from './requests.ts';
import { Transfer, type TransferOptions } from './transfer.ts';

export interface ClientOptions {
  /** The name whose servers are asked. */
  readonly name: string;
  /** Who says what the name is, as `127.0.0.11:53`. */
  readonly dns: string;
  readonly httpPort: number;
  readonly linePort: number;
  /** Requests a second. */
  readonly rate: number;
  /** How many connections stay open. */
  readonly connections: number;
  /** Between two exchanges on one of them. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly transfer?: TransferOptions;
}

const READY_MS = 30_000;
const RETRY_MS = 50;

const options = JSON.parse(process.argv[2] ?? '{}') as ClientOptions;
const { name, timeoutMs } = options;
const resolver = new Resolver(options.dns);
const http: Target = { resolver, name, port: options.httpPort, timeoutMs };
const requests = new Requests(http, options.rate);
const connections = new Connections(
  { ...http, port: options.linePort },
  { count: options.connections, intervalMs: options.intervalMs },
);
const transfer = options.transfer && new Transfer(http, options.transfer);
const parts = [requests, connections, ...(transfer ? [transfer] : [])];

function report(): TrafficReport {
  const counted = { requests: requests.report(), connections: connections.report() };
  return transfer ? { ...counted, transfer: transfer.report() } : counted;
}

function say(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Waits until somebody answers. */
async function ready(): Promise<void> {
  const deadlineMs = performance.now() + READY_MS;
  for (;;) {
    try {
      await ask(http);
      return;
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await sleep(RETRY_MS);
    }
  }
}

const commands = createInterface({ input: process.stdin });
commands.on('close', () => process.exit(0));
await ready();
for (const part of parts) part.start();
say('ready');
for await (const command of commands) {
  if (command === 'stop') await Promise.all(parts.map((part) => part.stop()));
  say(report());
  if (command === 'stop') break;
}
