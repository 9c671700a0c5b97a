import { describe, expect, it } from 'vitest';
import { OP, ScriptedZooKeeper, grant, reply } from '../../test/build/scripted-zookeeper.ts';
import { SESSION_TIMEOUT_MS, type ZooKeeperSeat } from '../../test/build/zookeeper-seat.ts';
import { zooKeeperStage } from '../../test/build/zookeeper-stage.ts';

const NO_NODE = -101;
const NO_AUTH = -102;

const { scripted, ...stage } = zooKeeperStage();

function seatAt(...args: ConstructorParameters<typeof ZooKeeperSeat>): ZooKeeperSeat {
  return stage.seatAt(...args).start();
}

/** A port of loopback that refuses. */
async function closedPort(): Promise<number> {
  const server = await ScriptedZooKeeper.open();
  const { port } = server;
  await server.close();
  return port;
}

/** Breaks the connection instead of an answer. */
function hangUp(_asked: unknown, end: () => void): undefined {
  end();
}

function messages(seat: ZooKeeperSeat): string[] {
  return seat.events.flatMap((event) => ('message' in event ? [event.message] : []));
}

describe('the servers', () => {
  it('are tried in turn until one takes the session', async () => {
    const [silent, good] = [await scripted({ greet: () => undefined }), await scripted()];
    const seat = seatAt([await closedPort(), silent.port, good.port], { random: () => 0 });
    await seat.hears('connected');
    expect(silent.greetings).toHaveLength(1);
    expect(seat.told).toEqual(['connected']);
    good.cut();
    await seat.hears('connected', 2);
    expect(silent.greetings.map(({ session }) => session)).toEqual([0n, 7n]);
    expect(seat.events.at(-1)).toMatchObject({ sameSession: true });
  });

  it('that all fail are told of once, and are tried at least every 2 s', async () => {
    const server = await scripted({ greet: hangUp });
    const seat = seatAt([server.port], { random: () => 0.999 });
    await seat.hears('disconnected');
    await seat.lives('a minute', () => seat.clock.monotonic() > 60_000);
    expect(server.greetings.length).toBeGreaterThanOrEqual(30);
    expect(server.greetings.length).toBeLessThan(60);
    expect(seat.told).toEqual(['disconnected']);
    expect(messages(seat)[0]).toMatch(/^127\.0\.0\.1:\d+ closed the connection$/);
  });

  it('are told of again when they all fail after a lost connection', async () => {
    const [one, other] = [await scripted(), await scripted()];
    const seat = seatAt([one.port, other.port]);
    await seat.hears('connected');
    const down = { greet: hangUp };
    [one.script, other.script] = [down, down];
    for (const server of [one, other]) server.cut();
    await seat.lives('a minute', () => seat.clock.monotonic() > 60_000);
    expect(seat.told).toEqual(['connected', 'disconnected', 'disconnected']);
  });

  it.each([
    ['a name that nobody knows', 'no..such..host', /^no\.\.such\.\.host:1 is a name/],
    ['an address that refuses', '127.0.0.1', /^127\.0\.0\.1:1 refuses connections$/],
    ['an IPv6 address that refuses', '::1', /^\[::1\]:1 (refuses connections|cannot be reached)/],
  ])('may have %s', async (_name, host, message) => {
    const seat = seatAt([1], { host });
    // Time stands still: a name takes as long as the system needs to look it up.
    await seat.until('disconnected', () => seat.told.includes('disconnected'));
    expect(messages(seat)[0]).toMatch(message);
    await expect(seat.store.get('x')).rejects.toMatchObject({ code: 'coordinator-unreachable' });
    await expect(seat.store.get('x')).rejects.toThrow(messages(seat)[0]);
  });
});

describe('a session', () => {
  it('asks for its time, and keeps what is granted', async () => {
    const server = await scripted({ greet: () => grant(7n, 9_000) });
    const seat = seatAt([server.port]);
    expect(seat.store.sessionTimeoutMs()).toBe(SESSION_TIMEOUT_MS);
    await seat.hears('connected');
    expect(server.greetings[0]).toMatchObject({ session: 0n, timeoutMs: SESSION_TIMEOUT_MS });
    expect(seat.store.sessionTimeoutMs()).toBe(9_000);
  });

  it('goes only to servers that are not behind it, while it lives', async () => {
    const server = await scripted();
    const seat = seatAt([server.port]);
    await seat.hears('connected');
    server.script = { greet: hangUp };
    server.cut();
    const began = seat.clock.monotonic();
    await seat.lives('its end', () => seat.clock.monotonic() > began + 2 * SESSION_TIMEOUT_MS);
    const seen = server.greetings.map(({ zxid }) => zxid);
    expect(seen.slice(0, 3)).toEqual([0n, 100n, 100n]);
    expect(seen.at(-1)).toBe(0n);
    expect(server.greetings.at(-1)).toMatchObject({ session: 7n });
  });

  it('counts as another one when its listener never heard of it', async () => {
    const server = await scripted({ answer: hangUp });
    const seat = seatAt([server.port]);
    await seat.lives('a second try', () => server.greetings.length === 2);
    server.script = {};
    await seat.hears('connected');
    expect(server.greetings.at(-1)).toMatchObject({ session: 7n });
    expect(seat.events.at(-1)).toMatchObject({ sameSession: false });
  });

  it('survives a listener that throws', async () => {
    const server = await scripted();
    const seat = stage.seatAt([server.port]);
    seat.store.start((event) => {
      seat.events.push(event);
      throw new Error('a broken listener');
    });
    await seat.hears('connected');
    server.cut();
    await seat.hears('connected', 2);
  });

  it('is ended by stop() also when its connection was just lost', async () => {
    const server = await scripted();
    const seat = seatAt([server.port]);
    await seat.hears('connected');
    server.cut();
    await seat.hears('disconnected');
    await seat.stop();
    expect(server.greetings.at(-1)).toMatchObject({ session: 7n });
    expect(server.types(server.greetings.length - 1)).toEqual([-11]);
    expect(seat.told).toEqual(['connected', 'disconnected']);
  });

  it('is not waited for by stop() when no server answers', async () => {
    const server = await scripted();
    const seat = seatAt([server.port]);
    await seat.hears('connected');
    server.script = { greet: hangUp };
    server.cut();
    await seat.hears('disconnected');
    const [nowMs, tries] = [seat.nowMs, server.greetings.length];
    let stopped = false;
    void seat.store.stop().then(() => (stopped = true));
    await seat.until('the end', () => stopped);
    expect(seat.nowMs).toBe(nowMs);
    expect(server.greetings.length - tries).toBeLessThanOrEqual(1);
  });

  it('can be used in the very event that tells of it', async () => {
    const server = await scripted();
    const seat = stage.seatAt([server.port]);
    const read = new Promise((resolve) => {
      seat.store.start(() => resolve(seat.store.get('x')));
    });
    expect(await read).toMatchObject({ data: 'data' });
  });
});

describe('a root', () => {
  it('is made, with all above it, when it is missing', async () => {
    let made = 0;
    const server = await scripted({
      answer: (request) => {
        if (request.type === OP.create) made += 1;
        return request.type === OP.getData && made < 2 ? reply(request, NO_NODE) : 'usual';
      },
    });
    const seat = seatAt([server.port]);
    await seat.hears('connected');
    const paths = server.requests.filter(({ type }) => type === OP.create).map(({ body }) => pathOf(body));
    expect(paths).toEqual(['/ovr', '/ovr/test']);
  });

  it.each<[string, string | undefined, RegExp]>([
    ['without credentials', undefined, /nobody read \/ovr\/test without credentials: give this agent/],
    [
      'with credentials',
      'ovr:secret',
      /"ovr" read \/ovr\/test: give this agent the user:password that the others/,
    ],
  ])('that may not be read is a refusal, tried again with back-off: %s', async (_name, auth, message) => {
    const server = await scripted({
      answer: (request) => (request.type === OP.getData ? reply(request, NO_AUTH) : 'usual'),
    });
    const seat = seatAt([server.port], auth === undefined ? {} : { auth });
    await seat.hears('refused', 4);
    expect(messages(seat)[0]).toMatch(message);
    expect(seat.clock.monotonic()).toBeGreaterThan(2_000);
    expect(JSON.stringify(seat.events)).not.toContain('secret');
    await expect(seat.store.get('x')).rejects.toMatchObject({ code: 'coordinator-refused', kind: 'invalid' });
    await expect(seat.store.get('x')).rejects.toThrow(message);
    server.script = {};
    await seat.hears('connected');
    expect(await seat.store.get('x')).toBeDefined();
    // None of those sessions was left to the server's patience.
    expect(server.types(0).at(-1)).toBe(-11);
  });

  it.each<[string, string | undefined, RegExp]>([
    [
      'without credentials',
      undefined,
      /create \/ovr "" world:anyone:cdrwa; create \/ovr\/test "" world:anyone:cdrwa/,
    ],
    [
      'with credentials',
      'ovr:secret',
      /addauth digest ovr:PASSWORD; create \/ovr "" auth::cdrwa; create \/ovr\/test/,
    ],
  ])('that may not be made is a refusal that says how to make it: %s', async (_name, auth, message) => {
    const server = await scripted({
      answer: (request) => {
        if (request.type === OP.getData) return reply(request, NO_NODE);
        return request.type === OP.create ? reply(request, NO_AUTH) : 'usual';
      },
    });
    const seat = seatAt([server.port], auth === undefined ? {} : { auth });
    await seat.hears('refused');
    expect(messages(seat)[0]).toMatch(message);
  });

  it('that is refused after a lost connection leaves the session to its time', async () => {
    const server = await scripted();
    const seat = seatAt([server.port]);
    await seat.hears('connected');
    server.script = {
      answer: (request) => (request.type === OP.getData ? reply(request, NO_AUTH) : 'usual'),
    };
    server.cut();
    await seat.hears('refused', 2);
    expect(server.greetings.slice(1).map(({ session }) => session)).toEqual([7n, 7n]);
    expect(seat.told).toEqual(['connected', 'disconnected', 'refused', 'refused']);
    server.script = {};
    await seat.hears('connected', 2);
    expect(seat.events.at(-1)).toMatchObject({ sameSession: true });
  });
});

function pathOf(body: Buffer): string {
  return body.subarray(4, 4 + body.readInt32BE(0)).toString();
}
