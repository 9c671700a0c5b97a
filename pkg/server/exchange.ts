import { request, type IncomingMessage, type RequestOptions } from 'node:http';

import { ClientError, connectionError } from './client-error.ts';

/** Where an agent is asked: its socket, or the read-only address of any node. */
export type AgentAddress = { readonly socketPath: string } | { readonly url: string };

/** The address as errors show it. */
export function targetOf(address: AgentAddress): string {
  return 'url' in address ? address.url : address.socketPath;
}

interface Question {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: object;
  /** For the whole exchange. */
  readonly deadlineMs: number;
}

/** Far above any real answer: a status of 10,000 objects is some 20 MB. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** Asks and returns the JSON of the answer. Fails with a ClientError. */
export async function ask(address: AgentAddress, question: Question): Promise<unknown> {
  const target = targetOf(address);
  const signal = AbortSignal.timeout(question.deadlineMs);
  try {
    const response = await open(address, question, signal);
    return parseAnswer(target, response, await readText(response));
  } catch (error) {
    if (error instanceof ClientError) throw error;
    if (signal.aborted) throw timeout(target, question.deadlineMs);
    throw connectionError(target, error);
  }
}

/** Sends the request and waits for the head of the answer. */
export function open(
  address: AgentAddress,
  { method = 'GET', path, body }: Omit<Question, 'deadlineMs'>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const content = body && JSON.stringify(body);
  const headers = content === undefined ? {} : { 'Content-Type': 'application/json' };
  const options: RequestOptions = { method, path, headers, signal, agent: false, ...connectionOf(address) };
  return new Promise((resolve, reject) => {
    const outgoing = request(options, resolve);
    outgoing.once('error', reject);
    outgoing.end(content);
  });
}

function connectionOf(address: AgentAddress): RequestOptions {
  if ('socketPath' in address) return { socketPath: address.socketPath };
  const { hostname, port } = new URL(address.url);
  return { hostname: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 80 : port };
}

/** The whole body as text. */
export async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new Error('it is larger than 256 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** The JSON of an answer; an answer that is an error becomes a ClientError. */
export function parseAnswer(target: string, response: IncomingMessage, text: string): unknown {
  const status = response.statusCode ?? 0;
  const body = parseJson(text);
  if (status < 400 && body !== undefined) return body;
  const message = errorIn(body) ?? `status ${status}, which is no answer of ovrd: check the address`;
  throw new ClientError('refused', `${target}: ${message}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function errorIn(body: unknown): string | undefined {
  const error = isRecord(body) ? body['error'] : undefined;
  const message = isRecord(error) ? error['message'] : undefined;
  return typeof message === 'string' ? message : undefined;
}

/** Whether it is a JSON object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a deadline that has passed is reported as. */
export function timeout(target: string, deadlineMs: number): ClientError {
  const seconds = deadlineMs / 1000;
  return new ClientError(
    'timeout',
    `ovrd at ${target} did not answer within ${seconds} s: see its log, or try again`,
  );
}
