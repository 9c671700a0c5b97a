import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import { errorMessage, OvrError, type Logger } from '../api/index.ts';
import type { Followers } from './followers.ts';
import { parseJsonBody } from './json-body.ts';
import { checkHost, readBody, SECURITY_HEADERS, type HookBodies } from './guards.ts';
import { HttpError, json, type Reply } from './reply.ts';
import { findRoute, type Surface } from './router.ts';
import type { Services } from './routes.ts';

export interface ListenerContext {
  readonly surface: Surface;
  readonly services: Services;
  readonly followers: Followers;
  readonly logger: Logger;
  /** See checkHost. */
  readonly hostNames: readonly string[];
  readonly hookBodies: HookBodies;
}

/** A client that sends slowly or keeps its connection idle is cut off after these. Answers may take as long as they need. */
const LIMITS = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16 * 1024,
} as const;
const MAX_CONNECTIONS = 256;

/** A server for one surface, not yet listening. */
export function createListener(context: ListenerContext): Server {
  const server = createServer(LIMITS, (request, response) => void answer(context, request, response));
  server.maxConnections = MAX_CONNECTIONS;
  server.maxHeadersCount = 64;
  return server;
}

async function answer(
  context: ListenerContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // Without a listener, a client that goes away in mid-answer would end the process.
  response.on('error', () => undefined);
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
  try {
    const wanted = await reply(context, request);
    const isHead = request.method === 'HEAD';
    send(context, response, isHead && wanted.type === 'follow' ? json({}) : wanted);
  } catch (error) {
    refuse(context, response, error);
  }
}

async function reply(context: ListenerContext, request: IncomingMessage): Promise<Reply> {
  const { method = 'GET', headers, url = '/' } = request;
  const target = parseTarget(url);
  const { route, parameters } = findRoute(context.surface, method, target.pathname);
  // A hook reads nothing out, and its sender knows this node by the name of a proxy, maybe.
  if (context.surface === 'tcp' && !route.isHook) checkHost(headers.host, context.hostNames);
  const body = route.isHook ? await context.hookBodies.read(request) : await readBody(request);
  const json = route.takesJson ? parseJsonBody(body) : {};
  const { services } = context;
  return route.handle({ services, parameters, query: target.searchParams, headers, body, json });
}

function parseTarget(url: string): URL {
  const base = 'http://ovrd';
  // Anything else than a path, such as `//elsewhere/`, is no request for this server.
  if (url.startsWith('/') && !url.startsWith('//') && URL.canParse(url, base)) return new URL(url, base);
  throw new HttpError(400, 'invalid-path', 'the request must name a path, for example /v1/status');
}

function send(context: ListenerContext, response: ServerResponse, reply: Reply): void {
  switch (reply.type) {
    case 'follow':
      context.followers.add(response, reply.afterId);
      return;
    case 'json':
      sendText(response, reply.status, 'application/json; charset=utf-8', `${JSON.stringify(reply.body)}\n`);
      return;
    case 'text':
      sendText(response, reply.status, reply.contentType, reply.body);
  }
}

function sendText(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

function refuse({ logger, surface }: ListenerContext, response: ServerResponse, error: unknown): void {
  if (response.destroyed || response.headersSent) return;
  const { status, code, message } = describe(error);
  if (status === 500) logger.error({ surface, error: errorMessage(error) }, 'request failed');
  // What the client still sends is not read, so the connection cannot be used again.
  if (status !== 404) response.setHeader('Connection', 'close');
  sendText(
    response,
    status,
    'application/json; charset=utf-8',
    `${JSON.stringify({ error: { code, message } })}\n`,
  );
}

function describe(error: unknown): { status: number; code: string; message: string } {
  if (error instanceof HttpError) return error;
  if (error instanceof OvrError) {
    const isTemporary = error.kind === 'transient' || error.kind === 'waiting';
    return { status: isTemporary ? 503 : 409, code: error.code, message: error.message };
  }
  return { status: 500, code: 'internal', message: 'the agent failed to answer: see its log' };
}
