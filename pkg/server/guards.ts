import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

import { HttpError } from './reply.ts';

/** What any request may carry, but for webhooks. */
const MAX_BODY_BYTES = 16 * 1024;
const MAX_HOOK_BYTES = 1024 * 1024;
/** Bodies that are kept at the same time: whoever sends them has proved nothing yet. */
const MAX_HOOKS = 16;

/** For every answer: nothing of it may be cached, framed, run or guessed at. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

/**
 * Refuses a name that is not this node's: a web page whose own name was pointed at this address (DNS rebinding) would
 * otherwise read the API with its visitor's network access.
 * @param header the Host header; a client without one is no browser
 * @param names what this node is called besides its addresses and `localhost`; a longer name with the same first label counts too
 */
export function checkHost(header: string | undefined, names: readonly string[]): void {
  if (header === undefined) return;
  const name = hostName(header);
  if (isIP(name) !== 0 || name === 'localhost') return;
  const own = names.map((own) => own.toLowerCase());
  if (own.includes(name) || own.includes(name.split('.')[0] ?? '')) return;
  throw new HttpError(
    403,
    'unknown-host',
    `"${header}" is not a name of this node: ask by its address or ${names.join(' or ')}`,
  );
}

/** Without port and the brackets of IPv6, in lower case. */
function hostName(header: string): string {
  const [, ipv6, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(header) ?? [];
  return (ipv6 ?? plain ?? '').toLowerCase();
}

/** What a request carries, read to its end. Fails when that is too much or breaks off. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await readChunks(request, MAX_BODY_BYTES, (chunk) => chunks.push(chunk));
  return Buffer.concat(chunks);
}

/** Keeps the bodies of webhooks, a bounded number at a time. */
export class HookBodies {
  #reading = 0;

  /** The bytes as they came. Fails when they are too many, or when too many senders are at it. */
  async read(request: IncomingMessage): Promise<Buffer> {
    if (this.#reading >= MAX_HOOKS) {
      throw new HttpError(503, 'too-many-hooks', `${MAX_HOOKS} webhooks are being read already: try again`);
    }
    this.#reading += 1;
    const chunks: Buffer[] = [];
    try {
      await readChunks(request, MAX_HOOK_BYTES, (chunk) => chunks.push(chunk));
    } finally {
      this.#reading -= 1;
    }
    return Buffer.concat(chunks);
  }
}

async function readChunks(
  request: IncomingMessage,
  maxBytes: number,
  keep: (chunk: Buffer) => void,
): Promise<void> {
  let size = 0;
  // Left open on refusal: the answer goes out over the same connection.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size > maxBytes) {
      throw new HttpError(413, 'too-large', `a request may carry at most ${maxBytes} bytes here`);
    }
    keep(chunk);
  }
}
