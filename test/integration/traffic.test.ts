import type { Socket } from 'node:net';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { undoAfterAll } from '../build/live.ts';
import { startLab, type LabHost } from '../lab/lab.ts';
import { until } from '../lab/run.ts';
import { total, type TrafficReport } from '../traffic/report.ts';
import { ServerFiles } from '../traffic/server-files.ts';
import { serveName, startIll, startServer } from '../traffic/stage.ts';
import { startClient, startTraffic, type Traffic } from '../traffic/traffic.ts';

const name = 'web';

async function client(options: Omit<Parameters<typeof startClient>[0], 'name'>): Promise<Traffic> {
  const traffic = await startClient({ name, intervalMs: 20, timeoutMs: 5_000, ...options });
  onTestFinished(() => traffic.kill());
  return traffic;
}

/** Waits until the client's counts are so. */
async function sees(traffic: Traffic, holds: (report: TrafficReport) => boolean): Promise<TrafficReport> {
  return until('the client to see it', 30_000, async () => {
    const report = await traffic.report();
    return holds(report) ? report : undefined;
  });
}

function answer(socket: Socket, body: string, length = body.length): void {
  socket.on('data', () => socket.end(`HTTP/1.0 200 OK\r\nContent-Length: ${length}\r\n\r\n${body}`));
}

/** Answers each line as `reply` says. */
function lines(socket: Socket, reply: (line: string, number: number) => void): void {
  let number = 0;
  socket.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().trim().split('\n')) reply(line, (number += 1));
  });
}

describe('a client of servers that are well', () => {
  test('counts answers, exchanges and bytes, and no error', async () => {
    const { httpPort, linePort } = await startServer('blue');
    const dns = await serveName(() => '127.0.0.1');
    const transfer = { bytes: 5_000_001, bytesPerSecond: 50_000_000 };
    const traffic = await client({ dns, httpPort, linePort, rate: 200, connections: 5, transfer });
    await sees(traffic, ({ requests, connections }) => {
      const exchanged = connections.exchanges['blue']?.count ?? 0;
      return (requests.answers['blue']?.count ?? 0) >= 100 && exchanged >= 50;
    });
    const report = await traffic.stop();
    expect(report.requests.errors).toEqual({});
    expect(report.requests.answers['blue']!.count).toBe(report.requests.sent);
    expect(report.requests.slowestMs).toBeGreaterThanOrEqual(report.requests.p99Ms);
    expect(report.connections).toMatchObject({ broken: {}, ended: 0 });
    expect(report.transfer).toMatchObject({ bytes: 5_000_001, isIntact: true });
  });

  test('follows the name to another server, while the first one ends in an orderly way', async () => {
    const blue = await startServer('blue');
    const green = await startServer('green', '127.0.0.2', blue);
    let address: string | undefined = '127.0.0.1';
    const dns = await serveName(() => address);
    const { httpPort, linePort } = blue;
    const traffic = await client({ dns, httpPort, linePort, rate: 200, connections: 5 });
    await sees(traffic, ({ connections }) => (connections.exchanges['blue']?.count ?? 0) >= 5);
    address = '127.0.0.2';
    expect(await blue.end()).toBe(0);
    await sees(traffic, ({ connections }) => (connections.exchanges['green']?.count ?? 0) >= 5);
    const { requests, connections } = await traffic.stop();
    expect(requests.errors).toEqual({});
    expect(requests.answers['blue']!.lastMs).toBeLessThanOrEqual(requests.answers['green']!.lastMs);
    expect(connections).toMatchObject({ broken: {}, ended: 5 });
    expect(await green.end()).toBe(0);
  });

  test('tells of a name that is gone for a moment', async () => {
    const { httpPort } = await startServer('blue');
    let address: string | undefined = '127.0.0.1';
    const dns = await serveName(() => address);
    const traffic = await client({ dns, httpPort, rate: 200 });
    address = undefined;
    await sees(traffic, ({ requests }) => total(requests.errors) > 0);
    address = '127.0.0.1';
    expect(Object.keys((await traffic.stop()).requests.errors)).toEqual(['dns-nobody']);
  });
});

describe('a request is no success', () => {
  test.each<[kind: string, serve: (socket: Socket) => void]>([
    ['cut', (socket) => answer(socket, 'blue', 5)],
    ['cut', (socket) => socket.on('data', () => socket.end('HTTP/1.0 500 Oh\r\n\r\nblue'))],
    ['cut', (socket) => socket.on('data', () => socket.end())],
    ['reset', (socket) => socket.on('data', () => socket.resetAndDestroy())],
    ['timeout', () => undefined],
  ])('%s', async (kind, spoil) => {
    const httpPort = await startIll((socket, number) => {
      if (number % 3 === 2) spoil(socket);
      else answer(socket, 'blue');
    });
    const dns = await serveName(() => '127.0.0.1');
    const traffic = await client({ dns, httpPort, rate: 50, timeoutMs: 300 });
    await sees(traffic, ({ requests }) => requests.sent >= 9);
    const { requests } = await traffic.stop();
    expect(Object.keys(requests.errors)).toEqual([kind]);
    expect(total(requests.errors)).toBe(Math.floor((requests.sent + 2) / 3));
    expect(requests.answers['blue']!.count).toBe(requests.sent - total(requests.errors));
  });
});

describe('a connection is broken', () => {
  test.each<[kind: string, spoil: (socket: Socket, line: string) => void]>([
    ['lost', (socket, line) => socket.write(`blue ${Number(line) + 1}\n`)],
    ['repeated', (socket, line) => socket.write(`blue ${line}\nblue ${line}\n`)],
    ['closed', (socket) => socket.end()],
    ['reset', (socket) => socket.resetAndDestroy()],
    ['timeout', () => undefined],
  ])('%s', async (kind, spoil) => {
    const httpPort = await startIll((socket) => answer(socket, 'blue'));
    const linePort = await startIll((socket) =>
      lines(socket, (line, number) => {
        if (number === 3) spoil(socket, line);
        else socket.write(`blue ${line}\n`);
      }),
    );
    const dns = await serveName(() => '127.0.0.1');
    const traffic = await client({ dns, httpPort, linePort, connections: 1, timeoutMs: 300 });
    const { connections } = await sees(traffic, (report) => total(report.connections.broken) >= 2);
    expect(Object.keys(connections.broken)).toEqual([kind]);
    expect(connections.ended).toBe(0);
    await traffic.kill();
  });

  test('not when it only echoes, without a version', async () => {
    const httpPort = await startIll((socket) => answer(socket, 'blue'));
    const linePort = await startIll((socket) => lines(socket, (line) => socket.write(`${line}\n`)));
    const dns = await serveName(() => '127.0.0.1');
    const traffic = await client({ dns, httpPort, linePort, connections: 2 });
    await sees(traffic, ({ connections }) => (connections.exchanges['echo']?.count ?? 0) > 10);
    expect((await traffic.stop()).connections).toMatchObject({ broken: {}, ended: 0, open: 0 });
  });
});

test.each<[what: string, body: (bytes: Buffer) => Buffer, error: string]>([
  ['one byte is another', (bytes) => (bytes.writeUInt8(bytes.readUInt8(700) ^ 1, 700), bytes), 'altered'],
  ['bytes are missing', (bytes) => bytes.subarray(0, 900), 'cut'],
])('a transfer is not intact when %s', async (_, spoil, error) => {
  const { patternBlock } = await import('../traffic/pattern.ts');
  const httpPort = await startIll((socket) => {
    socket.on('data', (request: Buffer) => {
      const isTransfer = request.includes('/bytes');
      const body = isTransfer ? spoil(Buffer.from(patternBlock(0, 1_000))) : Buffer.from('blue');
      socket.end(Buffer.concat([Buffer.from('HTTP/1.0 200 OK\r\n\r\n'), body]));
    });
  });
  const dns = await serveName(() => '127.0.0.1');
  const traffic = await client({ dns, httpPort, transfer: { bytes: 1_000, bytesPerSecond: 1_000_000 } });
  expect((await traffic.stop()).transfer).toMatchObject({ isIntact: false, error });
});

describe('in containers', () => {
  const undo = undoAfterAll();
  let host: LabHost;
  let files: ServerFiles;

  beforeAll(async () => {
    const lab = await startLab({ topology: 'single', name: 'it-traffic' });
    undo(() => lab.down());
    host = lab.hosts[0]!;
    files = await ServerFiles.make();
    undo(() => files.remove());
    await host.docker(['network', 'create', '--subnet', '10.70.0.0/24', 'n']);
    await host.docker(['run', '--detach', '--name', 'client', '--network', 'n', 'busybox', 'sleep', '1000']);
  });

  async function serve(version: string, address: string): Promise<void> {
    const { options, command } = files.dockerArgs(version);
    const onNetwork = ['--network', 'n', '--network-alias', name, '--ip', address];
    await host.docker(['run', '--detach', '--name', version, ...onNetwork, ...options, ...command]);
    onTestFinished(async () => {
      await host.docker(['rm', '--force', version]);
    });
  }

  test('the name is resolved by Docker for every request, and whoever leaves in order breaks nothing', async () => {
    await serve('blue', '10.70.0.10');
    await serve('green', '10.70.0.11');
    const load = { rate: 50, connections: 6, transfer: { bytes: 2_000_000, bytesPerSecond: 2_000_000 } };
    const traffic = await startTraffic({ host, container: 'client', name, ...load });
    onTestFinished(() => traffic.kill());
    await sees(traffic, ({ requests, connections }) => {
      const both = Object.keys(requests.answers).length === 2;
      return both && Object.keys(connections.exchanges).length === 2;
    });
    // first without the name, then without the server
    await host.docker(['network', 'disconnect', 'n', 'green']);
    await host.docker(['network', 'connect', '--ip', '10.70.0.11', 'n', 'green']);
    // whoever came in between is answered at its next try, a second later
    await sees(traffic, ({ requests }) => requests.pending === 0);
    await host.docker(['stop', '--time', '30', 'green']);
    const after = Date.now();
    await sees(traffic, ({ requests }) => (requests.answers['blue']?.lastMs ?? 0) > after);
    const { requests, connections, transfer } = await traffic.stop();
    expect(requests.answers['green']!.lastMs).toBeLessThan(after);
    expect(connections.broken).toEqual({});
    expect(connections.ended).toBeGreaterThan(0);
    expect(transfer).toMatchObject({ isIntact: true });
    expect(requests.errors).toEqual({});
  });
});
