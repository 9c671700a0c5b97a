/** An engine that answers as a test says, for what no real engine can be made to answer. */
import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ScriptedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The parsed JSON body; undefined without one. */
  readonly body: unknown;
}

/** An answer as data, or a function that writes it, for one that comes in pieces. */
export type ScriptedAnswer =
  | { readonly status?: number; readonly json: unknown }
  | { readonly status: number; readonly text: string; readonly type?: string }
  | ((response: ServerResponse) => void);

export type Script = (request: ScriptedRequest) => ScriptedAnswer | undefined;

export class ScriptedEngine {
  readonly socketPath: string;
  readonly requests: ScriptedRequest[] = [];
  /** What it says in a ping; undefined: nothing, as Docker before 1.13. */
  apiVersion: string | undefined = '1.41';
  readonly #folder: string;
  readonly #server: Server;
  #script: Script;

  /** Answers pings by itself and everything else as the script says; 404 where the script says nothing. */
  static async start(script: Script = () => undefined): Promise<ScriptedEngine> {
    const folder = await mkdtemp(join(tmpdir(), 'ovr-scripted-'));
    const engine = new ScriptedEngine(folder, script);
    await new Promise<void>((resolve) => engine.#server.listen(engine.socketPath, resolve));
    return engine;
  }

  private constructor(folder: string, script: Script) {
    this.#folder = folder;
    this.socketPath = join(folder, 'docker.sock');
    this.#script = script;
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  /** Answers this from now on. */
  play(script: Script): void {
    this.#script = script;
  }

  /** `METHOD /path` of every request but pings. */
  get calls(): string[] {
    return this.requests
      .filter(({ path }) => path !== '/_ping')
      .map(({ method, path }) => `${method} ${path}`);
  }

  /** How many connections clients have open. */
  openConnections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
    });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #take(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(message.url ?? '/', 'http://engine');
    const body = await bodyOf(message);
    const request = {
      method: message.method ?? '',
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
      body,
    };
    this.requests.push(request);
    const answer = this.#script(request) ?? this.#byDefault(request.path);
    if (typeof answer === 'function') answer(response);
    else send(response, answer);
  }

  #byDefault(path: string): ScriptedAnswer {
    if (path !== '/_ping') return { status: 404, json: { message: 'page not found' } };
    return (response) => {
      if (this.apiVersion !== undefined) response.setHeader('Api-Version', this.apiVersion);
      response.end('OK');
    };
  }
}

async function bodyOf(message: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}

function send(
  response: ServerResponse,
  answer: Exclude<ScriptedAnswer, (response: ServerResponse) => void>,
): void {
  if ('json' in answer) {
    response.writeHead(answer.status ?? 200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(answer.json));
    return;
  }
  response.writeHead(answer.status, { 'Content-Type': answer.type ?? 'text/plain; charset=utf-8' });
  response.end(answer.text);
}
