/**
 * To be run in a container's network namespace: looks a name up again and again. Each line on its standard input is an address;
 * it answers with that address once the name leads there and nowhere else. It ends with its input.
 */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Resolver } from '../traffic/dns.ts';

const PAUSE_MS = 2;
const [, , name = ''] = process.argv;
const resolver = new Resolver('127.0.0.11:53');

const lines = createInterface({ input: process.stdin });
lines.on('close', () => process.exit(0));
for await (const address of lines) {
  while ((await addresses()) !== address) await sleep(PAUSE_MS);
  process.stdout.write(`${address}\n`);
}

/** A name that nobody has yet has none. */
async function addresses(): Promise<string> {
  return (await resolver.lookUpAll(name).catch(() => [])).join(' ');
}
