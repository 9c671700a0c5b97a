/**
 * A server whose answers bear its version (OVR_VERSION). On SIGTERM it ends in an orderly way: it still takes connections for a
 * moment (OVR_DRAIN_MS), as those who have just looked its name up come yet; answers everything that it was asked; and says
 * goodbye on connections that stay open, which their clients then close. It imports no package, so that it runs in a container.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { BLOCK_BYTES, patternBlock } from './pattern.ts';
import { BYE, HTTP_PORT, LINE_PORT } from './protocol.ts';

const PACE_MS = 5;
const {
  OVR_VERSION: version = 'v0',
  OVR_DRAIN_MS: drainMs = '500',
  OVR_ADDRESS: address = '0.0.0.0',
} = process.env;
const lines = new Set<Socket>();
let isEnding = false;

function serveHttp(socket: Socket): void {
  let request = '';
  socket.on('error', () => undefined); // the client's matter
  socket.on('data', (chunk) => {
    request += chunk.toString();
    if (request.includes('\r\n\r\n')) void answer(socket, request).catch(() => socket.destroy());
  });
}

async function answer(socket: Socket, request: string): Promise<void> {
  const total = Number(/^GET \/bytes\?total=(\d+)/.exec(request)?.[1] ?? NaN);
  const rate = Number(/^GET \/bytes\?\S*rate=(\d+)/.exec(request)?.[1] ?? Infinity);
  const length = Number.isNaN(total) ? version.length : total;
  socket.write(`HTTP/1.0 200 OK\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`);
  if (Number.isNaN(total)) socket.write(version);
  else await sendPattern(socket, total, rate);
  socket.end();
}

/** Sends the pattern, no faster than `rate` bytes a second. */
async function sendPattern(socket: Socket, total: number, rate: number): Promise<void> {
  const startedMs = performance.now();
  for (let index = 0; index * BLOCK_BYTES < total; index += 1) {
    while (index * BLOCK_BYTES > ((performance.now() - startedMs) * rate) / 1_000) await sleep(PACE_MS);
    const isRoom = socket.write(patternBlock(index, total));
    if (!isRoom) await new Promise((resolve) => socket.once('drain', resolve).once('close', resolve));
    if (socket.destroyed) return;
  }
}

function serveLines(socket: Socket): void {
  lines.add(socket);
  socket.on('error', () => undefined);
  socket.on('close', () => lines.delete(socket));
  socket.setNoDelay(true);
  let rest = '';
  socket.on('data', (chunk) => {
    const asked = (rest + chunk.toString()).split('\n');
    rest = asked.pop() ?? '';
    for (const number of asked) socket.write(`${version} ${number}\n`);
  });
  if (isEnding) socket.write(`${BYE}\n`);
}

/** The port that it listens on. */
async function listen(server: Server, port: string | number): Promise<number> {
  await new Promise<void>((resolve) =>
    server.listen({ port: Number(port), host: address, backlog: 511 }, resolve),
  );
  return (server.address() as AddressInfo).port;
}

const httpServer = createServer(serveHttp);
const lineServer = createServer(serveLines);

process.on('SIGTERM', () => {
  if (isEnding) return;
  isEnding = true;
  for (const socket of lines) socket.write(`${BYE}\n`);
  setTimeout(() => {
    httpServer.close();
    lineServer.close();
  }, Number(drainMs));
});

const { OVR_HTTP_PORT: httpPort = HTTP_PORT, OVR_LINE_PORT: linePort = LINE_PORT } = process.env;
const ports = [await listen(httpServer, httpPort), await listen(lineServer, linePort)];
console.log(JSON.stringify({ version, ports }));
