/** Servers and a name for them on this machine's loopback, for the tests of the traffic itself. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A server of a name: one address, or none (then it says that there is no such name). Returns `127.0.0.1:PORT`. */
export async function serveName(addresses: () => string | undefined): Promise<string> {
  const socket = createSocket('udp4');
  socket.on('message', (question, from) => {
    const address = addresses();
    const head = Buffer.from(question.subarray(0, 12));
    head.writeUInt16BE(address === undefined ? 0x8183 : 0x8180, 2);
    head.writeUInt16BE(address === undefined ? 0 : 1, 6);
    // a pointer to the name in the question, type A, class IN, 600 s, four bytes
    const fields = Buffer.of(
      0xc0,
      12,
      0,
      1,
      0,
      1,
      0,
      0,
      2,
      0x58,
      0,
      4,
      ...(address ?? '').split('.').map(Number),
    );
    const body = address === undefined ? [] : [fields];
    socket.send(Buffer.concat([head, question.subarray(12), ...body]), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return `127.0.0.1:${socket.address().port}`;
}

export interface RunningServer {
  readonly httpPort: number;
  readonly linePort: number;
  /** Asks it to end, and waits until it has. Returns its exit code. */
  end(): Promise<number | null>;
}

/** The server as a process of its own, on ports that are free unless the test says which. */
export async function startServer(
  version: string,
  address = '127.0.0.1',
  ports = { httpPort: 0, linePort: 0 },
): Promise<RunningServer> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'server.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      OVR_VERSION: version,
      OVR_ADDRESS: address,
      OVR_HTTP_PORT: `${ports.httpPort}`,
      OVR_LINE_PORT: `${ports.linePort}`,
    },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [data] = (await once(child.stdout, 'data')) as [Buffer];
  const { ports: found } = JSON.parse(data.toString()) as { ports: [number, number] };
  return { httpPort: found[0], linePort: found[1], end: () => endOf(child) };
}

async function endOf(child: ChildProcess): Promise<number | null> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
  return child.exitCode;
}

/** A TCP server in this process, which does with each connection what the test says. Returns its port. */
export async function startIll(serve: (socket: Socket, number: number) => void): Promise<number> {
  const sockets = new Set<Socket>();
  let number = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    serve(socket, (number += 1));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}
