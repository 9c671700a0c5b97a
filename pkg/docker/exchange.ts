import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { type OvrError, errorMessage } from '../api/index.ts';
import { answerError, garbled } from './errors.ts';
import type { Operation } from './operation.ts';

/** Far above the list of ten thousand containers; below what would harm the agent. */
const LONGEST_BODY_BYTES = 128 * 1024 * 1024;
const LONGEST_EXCERPT = 120;

/** Reads an answer to its end; fails with `engine-garbled` when it is cut. */
export async function readBody(operation: Operation, response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > LONGEST_BODY_BYTES) throw new Error('it does not end');
      chunks.push(chunk);
    }
  } catch (error) {
    throw garbled(operation, errorMessage(error), error);
  }
  if (!response.complete) throw garbled(operation, 'it is cut');
  return Buffer.concat(chunks).toString();
}

/** Parses an answer and checks its shape; fails with `engine-garbled`. */
export function checkShape<T>(operation: Operation, shape: z.ZodType<T>, text: string): T {
  const parsed = parse(text);
  if (parsed === undefined) throw garbled(operation, `it is not JSON: ${excerpt(text)}`);
  const result = shape.safeParse(parsed);
  if (!result.success) throw garbled(operation, z.prettifyError(result.error), result.error);
  return result.data;
}

/**
 * What an answer with a failure status means. It says so in the `message` of its JSON or, before API 1.24, in plain text;
 * anything else does not come from Docker.
 */
export async function failureOf(operation: Operation, response: IncomingMessage): Promise<OvrError> {
  const status = response.statusCode ?? 0;
  const type = response.headers['content-type'] ?? '';
  const body = await readBody(operation, response);
  const message = type.startsWith('application/json') ? messageOf(body) : textOf(type, body);
  if (message !== undefined) return answerError(operation, status, message);
  return garbled(operation, `HTTP ${status} with ${type === '' ? 'a body' : type}: ${excerpt(body)}`);
}

function messageOf(body: string): string | undefined {
  const parsed = parse(body);
  if (typeof parsed !== 'object' || parsed === null || !('message' in parsed)) return undefined;
  return String(parsed.message);
}

function textOf(type: string, body: string): string | undefined {
  return body === '' || type.startsWith('text/plain') ? body : undefined;
}

/** Undefined, which JSON cannot be, when it is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function excerpt(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > LONGEST_EXCERPT ? `${line.slice(0, LONGEST_EXCERPT)}…` : line;
}
