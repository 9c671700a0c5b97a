/**
 * To be run in a container's network namespace: looks a name up all the time, also while nobody waits for an answer, so that what it
 * costs the engine is in everything that is measured meanwhile. Each line on its standard input is an address; it answers with that
 * address once the name leads there and nowhere else. It ends with its input.
 */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Resolver } from '../traffic/dns.ts';

const PAUSE_MS = 10;
const [, , name = ''] = process.argv;
const resolver = new Resolver('127.0.0.11:53');
let awaited: string | undefined;

const lines = createInterface({ input: process.stdin });
lines.on('close', () => process.exit(0));
lines.on('line', (address) => (awaited = address));
for (;;) {
  const found = await addresses();
  if (found === awaited) {
    process.stdout.write(`${found}\n`);
    awaited = undefined;
  }
  await sleep(PAUSE_MS);
}

/** A name that nobody has yet has none. */
async function addresses(): Promise<string> {
  return (await resolver.lookUpAll(name).catch(() => [])).join(' ');
}
