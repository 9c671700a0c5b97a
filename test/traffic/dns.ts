/** Looks names up as a program without a cache does: one question each time, asked again when no answer comes. */
import { createSocket, type Socket } from 'node:dgram';
import { Failure } from './report.ts';

const RETRY_MS = 1_000;
const TRIES = 5;
const TYPE_A = 1;
const NAME_ERROR = 3;

interface Asked {
  readonly settle: (answer: Buffer | Failure) => void;
}

export class Resolver {
  readonly #socket: Socket;
  readonly #host: string;
  readonly #port: number;
  readonly #asked = new Map<number, Asked>();
  #nextId = 1;

  /** `server`: as `127.0.0.11:53`. */
  constructor(server: string) {
    const [host = '', port = '53'] = server.split(':');
    this.#host = host;
    this.#port = Number(port);
    this.#socket = createSocket('udp4');
    this.#socket.on('message', (message) => {
      if (message.length >= 12) this.#asked.get(message.readUInt16BE(0))?.settle(message);
    });
    this.#socket.on('error', () => undefined); // a question that is not answered is asked again
  }

  /** The first address of a name; which one is first changes from answer to answer. */
  async lookUp(name: string): Promise<string> {
    const [address] = await this.lookUpAll(name);
    if (address === undefined) throw new Failure('dns-nobody', `${name} has no address`);
    return address;
  }

  /** Every address of a name, in the order of the answer. */
  async lookUpAll(name: string): Promise<string[]> {
    return readAddresses(await this.#ask(name));
  }

  close(): void {
    this.#socket.close();
  }

  #ask(name: string): Promise<Buffer> {
    const id = this.#freeId();
    const question = makeQuestion(id, name);
    return new Promise((resolve, reject) => {
      let tries = 0;
      let timer: NodeJS.Timeout | undefined;
      const settle = (answer: Buffer | Failure): void => {
        clearTimeout(timer);
        this.#asked.delete(id);
        if (answer instanceof Failure) reject(answer);
        else resolve(answer);
      };
      const send = (): void => {
        if (tries === TRIES) {
          settle(new Failure('dns-silence', `nobody said what ${name} is`));
          return;
        }
        tries += 1;
        timer = setTimeout(send, RETRY_MS);
        this.#socket.send(question, this.#port, this.#host, () => undefined);
      };
      this.#asked.set(id, { settle });
      send();
    });
  }

  #freeId(): number {
    do this.#nextId = (this.#nextId + 1) % 0x1_0000;
    while (this.#asked.has(this.#nextId));
    return this.#nextId;
  }
}

function makeQuestion(id: number, name: string): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(id, 0);
  head.writeUInt16BE(0x0100, 2); // recursion desired
  head.writeUInt16BE(1, 4); // one question
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)]));
  return Buffer.concat([head, ...labels, Buffer.of(0, 0, TYPE_A, 0, 1)]);
}

/** Where the name that begins at `at` ends; it may end in a pointer to another. */
function skipName(message: Buffer, at: number): number {
  for (;;) {
    const length = message[at] ?? 0;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    at += 1 + length;
  }
}

function readAddresses(message: Buffer): string[] {
  const code = message.readUInt16BE(2) & 0xf;
  if (code !== 0)
    throw new Failure('dns-nobody', code === NAME_ERROR ? 'no such name' : `answer with code ${code}`);
  const answers = message.readUInt16BE(6);
  const addresses: string[] = [];
  let at = skipName(message, 12) + 4;
  for (let index = 0; index < answers; index += 1) {
    at = skipName(message, at);
    const length = message.readUInt16BE(at + 8);
    if (message.readUInt16BE(at) === TYPE_A) addresses.push(message.subarray(at + 10, at + 14).join('.'));
    at += 10 + length;
  }
  return addresses;
}
