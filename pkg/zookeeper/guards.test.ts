import { describe, expect, it } from 'vitest';
import {
  OP,
  type Script,
  type ScriptedZooKeeper,
  event,
  grant,
  multiResults,
  reply,
} from '../../test/build/scripted-zookeeper.ts';
import { SESSION_TIMEOUT_MS, type ZooKeeperSeat } from '../../test/build/zookeeper-seat.ts';
import { zooKeeperStage } from '../../test/build/zookeeper-stage.ts';
import { FakeClock, OvrError } from '../api/index.ts';
import type { StoreWrite } from '../cluster/index.ts';
import { Connection } from './connection.ts';

const { scripted, seatAt } = zooKeeperStage();

async function connected(script: Script = {}): Promise<{ server: ScriptedZooKeeper; seat: ZooKeeperSeat }> {
  const server = await scripted(script);
  const seat = seatAt([server.port]).start();
  await seat.hears('connected');
  return { server, seat };
}

/** How a call ends, while time goes on. */
async function ending(seat: ZooKeeperSeat, call: Promise<unknown>): Promise<string> {
  let ended: string | undefined;
  void call.then(
    () => (ended = 'done'),
    (error: unknown) => (ended = error instanceof OvrError ? `${error.code} ${error.kind}` : String(error)),
  );
  await seat.lives('the end of a call', () => ended !== undefined);
  return ended ?? '';
}

describe('Z1: a server that falls silent', () => {
  it('is lost after two thirds of the session timeout, to the millisecond', async () => {
    const { server, seat } = await connected();
    server.script = { answer: () => undefined };
    const contactMs = seat.store.lastContactMs() ?? 0;
    const lostMs = contactMs + (SESSION_TIMEOUT_MS * 2) / 3;
    seat.clock.advance(lostMs - seat.clock.monotonic() - 1);
    await seat.until('the look at a third', () => server.types(0).includes(OP.exists));
    expect(seat.told).toEqual(['connected']);
    seat.clock.advance(1);
    await seat.until('disconnected', () => seat.told.includes('disconnected'));
    expect(JSON.stringify(seat.events[1])).toContain('silent for 4.0 s');
    expect(seat.store.lastContactMs()).toBe(contactMs);
  });

  it('fails what is under way with coordinator-timeout', async () => {
    const { server, seat } = await connected();
    server.script = { answer: () => undefined };
    expect(await ending(seat, seat.store.get('x'))).toBe('coordinator-timeout transient');
  });

  it('is asked for a sign of life every third, and no more', async () => {
    const { server, seat } = await connected();
    for (let third = 1; third <= 6; third += 1) {
      seat.clock.advance(SESSION_TIMEOUT_MS / 3);
      await seat.until('a look', () => server.types(0).filter((type) => type === OP.exists).length === third);
      await seat.until('its answer', () => seat.store.lastContactMs() === seat.clock.monotonic());
    }
    expect(server.types(0)).toEqual([OP.getData, ...Array.from({ length: 6 }, () => OP.exists)]);
  });

  it('still ends a call in time when it only tells of changes', async () => {
    const { server, seat } = await connected();
    let rung = 0;
    const paths = ['a', 'b', 'c', 'd', 'e', 'f'];
    await ending(seat, Promise.all(paths.map((path) => seat.store.get(path, () => (rung += 1)))));
    server.script = { answer: () => undefined };
    const late = ending(seat, seat.store.get('late'));
    for (const [index, path] of paths.entries()) {
      server.say(event(3, `/ovr/test/${path}`));
      await seat.until('the ring', () => rung === index + 1);
      seat.clock.advance(SESSION_TIMEOUT_MS / 6);
    }
    expect(await late).toBe('coordinator-timeout transient');
    expect(seat.told).toEqual(['connected']);
  });

  it.each([
    ['goes on when the server answers', {}, ['connected']],
    ['is lost a little later when it does not', { answer: () => undefined }, ['connected', 'disconnected']],
  ])('after this very process has slept %s', async (_name, script, told) => {
    const { server, seat } = await connected();
    server.script = script;
    seat.oversleep(SESSION_TIMEOUT_MS, SESSION_TIMEOUT_MS / 3);
    await seat.until('a look', () => server.types(0).includes(OP.exists));
    if (told.length === 1) await seat.until('its answer', () => seat.store.lastContactMs() === seat.nowMs);
    expect(seat.told).toEqual(['connected']);
    seat.clock.advance(SESSION_TIMEOUT_MS / 12);
    await seat.until('what follows', () => seat.told.length === told.length);
    expect(seat.told).toEqual(told);
  });

  it('does not hold up a connection that was accepted and never answered', async () => {
    const server = await scripted({ greet: () => undefined });
    const seat = seatAt([server.port]).start();
    await seat.lives('a second try', () => server.greetings.length === 2);
    server.script = {};
    await seat.hears('connected');
  });
});

describe('Z2: a frame that came in part', () => {
  it('does not reach into the next connection, wherever the grant was cut', async () => {
    for (let bytes = 0; bytes < grant(7n, 1).length; bytes += 1) {
      const server = await scripted({
        greet: ({ connection, timeoutMs, session }, end) => {
          if (connection > 0) return grant(session === 0n ? 7n : session, timeoutMs);
          setImmediate(end);
          return grant(7n, timeoutMs).subarray(0, bytes);
        },
      });
      const seat = seatAt([server.port]).start();
      await seat.hears('connected');
      expect(server.greetings).toHaveLength(2);
    }
  });

  it('does not reach into the next connection, wherever a reply was cut', async () => {
    const whole = 4 + 16 + 4 + 4 + 68;
    for (let bytes = 0; bytes < whole; bytes += 1) {
      const { server, seat } = await connected();
      server.script = {
        answer: (request, end) => {
          if (request.connection > 0) return 'usual';
          setImmediate(end);
          return reply(request, 0, Buffer.alloc(whole - 20)).subarray(0, bytes);
        },
      };
      expect(await ending(seat, seat.store.get('x'))).toBe('coordinator-timeout transient');
      await seat.hears('connected', 2);
      expect(await ending(seat, seat.store.get('x'))).toBe('done');
    }
  });

  it('is put together again, wherever the network cuts it', async () => {
    const inTwo = (frame: Buffer, at: number): Buffer[] => [frame.subarray(0, at), frame.subarray(at)];
    for (let at = 1; at < 40; at += 1) {
      const { server, seat } = await connected({
        greet: ({ timeoutMs }) => inTwo(grant(7n, timeoutMs), at),
      });
      server.script = {
        answer: (request) => {
          if (request.type !== OP.children) return 'usual';
          return inTwo(reply(request, 0, Buffer.concat([Buffer.alloc(4), Buffer.alloc(68)])), at);
        },
      };
      expect(await ending(seat, seat.store.children('x'))).toBe('done');
      expect(seat.told).toEqual(['connected']);
    }
  });
});

describe('Z3: version 0', () => {
  it.each<[StoreWrite['type'], number]>([
    ['check', 13],
    ['set', 5],
    ['remove', 2],
  ])('is sent as 0 with %s, and no version as -1', async (type, op) => {
    const { server, seat } = await connected();
    const write = (version: number | undefined): StoreWrite =>
      Object.assign(
        { type, path: 'a', data: '' } as const,
        version === undefined ? {} : { version },
      ) as StoreWrite;
    await ending(seat, seat.store.commit([write(0)]));
    await ending(seat, seat.store.commit([write(undefined)]));
    await ending(seat, seat.store.commit([write(3)]));
    const bodies = server.requests.filter((request) => request.type === OP.multi).map(({ body }) => body);
    expect(bodies.map((body) => body.readInt32BE(0))).toEqual([op, op, op]);
    // The version is the last field of a write; after it comes the end mark of nine bytes.
    expect(bodies.map((body) => body.readInt32BE(body.length - 13))).toEqual([0, -1, 3]);
  });
});

describe('Z4: the credentials', () => {
  it('go out before everything else, also on the next connection', async () => {
    const server = await scripted();
    const seat = seatAt([server.port], { auth: 'ovr:secret' }).start();
    expect(await ending(seat, seat.store.get('early'))).toBe('coordinator-unreachable transient');
    await seat.hears('connected');
    expect(await ending(seat, seat.store.get('x'))).toBe('done');
    server.cut();
    await seat.hears('connected', 2);
    expect([server.types(0), server.types(1)]).toEqual([
      [OP.auth, OP.getData, OP.getData],
      [OP.auth, OP.getData],
    ]);
  });

  it('that a server does not take at all are told as a refusal', async () => {
    const server = await scripted({
      answer: (request) => (request.type === OP.auth ? reply({ xid: -4 }, -115) : undefined),
    });
    const seat = seatAt([server.port], { auth: 'ovr:secret' }).start();
    await seat.hears('refused');
    expect(JSON.stringify(seat.events)).not.toContain('secret');
    server.script = {};
    await seat.hears('connected');
  });
});

describe('Z5: a call without a connection', () => {
  it.each<[string, (seat: ZooKeeperSeat) => Promise<unknown>]>([
    ['get', (seat) => seat.store.get('x')],
    ['children', (seat) => seat.store.children('x')],
    ['commit', (seat) => seat.store.commit([{ type: 'check', path: 'x' }])],
    ['createSequential', (seat) => seat.store.createSequential('x', 'n-', '')],
  ])('ends at once: %s', async (_name, call) => {
    const seat = seatAt([1]).start();
    expect(await ending(seat, call(seat))).toBe('coordinator-unreachable transient');
    expect(seat.clock.monotonic()).toBe(0);
  });

  it('ends when the session expires under it', async () => {
    const { server, seat } = await connected();
    server.script = {
      greet: ({ session, timeoutMs }) => (session === 7n ? grant(0n, 0) : grant(8n, timeoutMs)),
      answer: (request) => (request.connection === 0 ? undefined : 'usual'),
    };
    const call = seat.store.get('x');
    await seat.until('the request', () => server.types(0).length === 2);
    server.cut();
    expect(await ending(seat, call)).toBe('coordinator-timeout transient');
    await seat.hears('expired');
    await seat.hears('connected', 2);
    expect(seat.events.at(-1)).toMatchObject({ session: '0000000000000008', sameSession: false });
  });
});

describe('Z6: watches', () => {
  it('are never sent again, however many there are', async () => {
    const { server, seat } = await connected();
    const watched = Array.from({ length: 20_000 }, (_, i) =>
      seat.store.get(`some/path/${i}`, () => undefined),
    );
    expect(await ending(seat, Promise.all(watched))).toBe('done');
    server.cut();
    await seat.hears('connected', 2);
    await ending(seat, seat.store.get('x'));
    expect(server.types(1)).toEqual([OP.getData, OP.getData]);
    expect(server.received[1]).toBeLessThan(200);
  });

  it('are kept once for each path and function', async () => {
    const { server, seat } = await connected();
    let rung = 0;
    const watch = (): void => void (rung += 1);
    for (let i = 0; i < 50; i += 1) await ending(seat, seat.store.get('x', watch));
    server.say(event(3, '/ovr/test/x'));
    await ending(seat, seat.store.get('x'));
    expect(rung).toBe(1);
  });
});

describe('Z7: an event of a type that nobody knows', () => {
  it('is passed over', async () => {
    const { server, seat } = await connected();
    let rung = 0;
    await ending(
      seat,
      seat.store.get('x', () => (rung += 1)),
    );
    for (const type of [-1, 0, 5, 6, 7, 99]) server.say(event(type, '/ovr/test/x'));
    expect(await ending(seat, seat.store.get('x'))).toBe('done');
    expect(rung).toBe(0);
    server.say(event(3, '/ovr/test/x'));
    await seat.until('the ring', () => rung === 1);
    expect(seat.told).toEqual(['connected']);
  });

  it('does no more harm than a watch that throws', async () => {
    const { server, seat } = await connected();
    let rung = 0;
    const broken = (): void => {
      throw new Error('a broken watch');
    };
    await ending(seat, seat.store.get('x', broken));
    await ending(
      seat,
      seat.store.get('x', () => (rung += 1)),
    );
    server.say(event(2, '/ovr/test/x'));
    await seat.until('the ring', () => rung === 1);
    expect(seat.told).toEqual(['connected']);
  });
});

describe('Z8: a client object', () => {
  it('may be closed before it is connected', async () => {
    const server = await scripted({ greet: () => undefined });
    for (const greetings of [0, 1]) {
      const seat = seatAt([server.port]).start();
      await seat.until('the greeting', () => server.greetings.length >= greetings);
      let stopped = false;
      void seat.store.stop().then(() => (stopped = true));
      await seat.until('the end', () => stopped);
      expect([seat.nowMs, seat.told]).toEqual([0, []]);
    }
  });

  it('numbers its requests from 0 again before they need more than 31 bits', async () => {
    const server = await scripted();
    const connection = new Connection({
      server: { host: '127.0.0.1', port: server.port },
      root: '/x',
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      openWithinMs: 1_000,
      clock: new FakeClock(),
      onContact: () => undefined,
      onWatchFailed: () => undefined,
    });
    expect(await connection.open()).toBe(true);
    const look = (xid?: number): Promise<unknown> =>
      connection.call('a look', (client, answer, manager) => {
        if (xid !== undefined) manager.xid = xid;
        client.exists('/x', answer);
      });
    await look(0x7fff_ffff);
    await look();
    expect(server.requests.map(({ xid }) => xid)).toEqual([0x7fff_ffff, 0]);
    connection.abandon('is done with');
    await expect(look()).rejects.toMatchObject({ code: 'coordinator-unreachable' });
    expect(await connection.ended).toMatchObject({ type: 'lost' });
  });

  it('is a new one after an expiry, with a session of its own', async () => {
    const { server, seat } = await connected();
    server.script = {
      greet: ({ session, timeoutMs }) => (session === 7n ? grant(0n, 0) : grant(9n, timeoutMs)),
    };
    server.cut();
    await seat.hears('connected', 2);
    expect(seat.told).toEqual(['connected', 'disconnected', 'expired', 'connected']);
    expect(server.greetings.map(({ session }) => session)).toEqual([0n, 7n, 0n]);
    expect(await ending(seat, seat.store.get('x'))).toBe('done');
  });
});

describe('Z9: more than a server takes in one request', () => {
  it.each<[string, (seat: ZooKeeperSeat) => Promise<unknown>]>([
    ['one write', (seat) => seat.store.commit([{ type: 'set', path: 'a', data: 'x'.repeat(1_040_000) }])],
    [
      'many writes',
      (seat) =>
        seat.store.commit(
          Array.from({ length: 110 }, (_, i) => ({ type: 'set', path: `${i}`, data: 'x'.repeat(9_500) })),
        ),
    ],
    ['a sequential one', (seat) => seat.store.createSequential('a', 'n-', '☃'.repeat(400_000))],
  ])('is refused before it is sent: %s', async (_name, call) => {
    const { server, seat } = await connected();
    expect(await ending(seat, call(seat))).toBe('coordinator-error invalid');
    expect(await ending(seat, seat.store.get('x'))).toBe('done');
    expect(server.types(0)).toEqual([OP.getData, OP.getData]);
  });
});

describe('errors that the library has no name for', () => {
  it.each([-122, -125, -4242])('are told with their number: %d', async (code) => {
    const { server, seat } = await connected();
    server.script = { answer: (request) => reply(request, code) };
    await expect(seat.store.get('x')).rejects.toMatchObject({ code: 'coordinator-error', kind: 'transient' });
    server.script = { answer: (request) => reply(request, 0, multiResults([0, code, -2])) };
    const writes: StoreWrite[] = ['a', 'b', 'c'].map((path) => ({ type: 'check', path }));
    await expect(seat.store.commit(writes)).rejects.toThrow(/test\/b/);
    server.script = {};
    expect(await ending(seat, seat.store.get('x'))).toBe('done');
    expect(seat.told).toEqual(['connected']);
  });

  it('is a moved session: nothing was done', async () => {
    const { server, seat } = await connected();
    server.script = { answer: (request) => reply(request, -118) };
    expect(await ending(seat, seat.store.get('x'))).toBe('coordinator-unreachable transient');
  });
});

describe('something that is no ZooKeeper', () => {
  it.each<[string, Buffer<ArrayBuffer>]>([
    ['a web server', Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')],
    ['a frame of negative length', Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4])],
    ['an empty frame', Buffer.alloc(4)],
    ['a short frame', Buffer.from([0, 0, 0, 2, 0, 0])],
    ['zeros', Buffer.alloc(4_000)],
    ['a grant of no session', grant(0n, 4_000)],
  ])('is left: %s', async (_name, rubbish) => {
    const server = await scripted({ greet: () => rubbish });
    const seat = seatAt([server.port]).start();
    await seat.hears('disconnected');
    server.script = {};
    await seat.hears('connected');
  });

  it.each<[string, Buffer]>([
    ['rubbish', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['an empty frame', Buffer.alloc(4)],
    ['a reply to nothing', reply({ xid: 4711 }, 0)],
    ['half a reply', Buffer.from([0, 0, 0, 6, 0, 0, 0, 1, 0, 0])],
  ])('in the middle of a session is left, and the session goes on: %s', async (_name, rubbish) => {
    const { server, seat } = await connected();
    server.script = { answer: (request) => (request.connection === 0 ? rubbish : 'usual') };
    expect(await ending(seat, seat.store.get('x'))).toBe('coordinator-timeout transient');
    await seat.hears('connected', 2);
    expect(seat.events.at(-1)).toMatchObject({ sameSession: true });
  });
});
