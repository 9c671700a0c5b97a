/**
 * Runs inside the network of a container, as a process of its own: asks the embedded DNS for many names and prints a line of JSON for each,
 * as it comes. Before them a line with the MTU of the interface that has the container's address, where the kernel tells it.
 */
import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { text } from 'node:stream/consumers';

interface Job {
  readonly names: readonly string[];
  readonly server: string;
  readonly address: string;
  readonly deadlineMs: number;
}

const AT_ONCE = 32;
const TIMEOUT_MS = 1_000;
const TRIES = 2;

const job = JSON.parse(await text(process.stdin)) as Job;
setTimeout(() => process.exit(0), job.deadlineMs).unref();
print({ mtu: await mtuOf(job.address) });
const rest = job.names[Symbol.iterator]();
const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
resolver.setServers([job.server]);
await Promise.all(Array.from({ length: AT_ONCE }, work));

async function work(): Promise<void> {
  for (const name of rest) print(await ask(name));
}

async function ask(name: string): Promise<object> {
  try {
    return { name, addresses: (await resolver.resolve4(name)).sort() };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'EUNKNOWN';
    return { name, addresses: [], error: code };
  }
}

/** From /proc/sys, which shows the network of whoever reads; /sys shows that of whoever mounted it. */
async function mtuOf(address: string): Promise<number | undefined> {
  const found = Object.entries(networkInterfaces()).find(([, all]) =>
    all?.some((one) => one.address === address),
  );
  if (!found) return undefined;
  const file = `/proc/sys/net/ipv6/conf/${found[0].replaceAll('.', '/')}/mtu`;
  const mtu = Number(await readFile(file, 'utf8').catch(() => ''));
  return mtu > 0 ? mtu : undefined;
}

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
