import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ContainerSeat } from '../state/index.ts';
import { createProber, type ProberOptions } from './index.ts';
import { runTool, type Ran, type Run } from './tool.ts';

const ID = 'c0ffee'.repeat(10);
const HOST = { node: 'n2', container: 'web', address: '10.0.9.3' };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ovr-proc-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A process as the kernel tells of it. */
async function process(pid: number, numbers: string, group: string): Promise<void> {
  await mkdir(join(folder, String(pid), 'ns'), { recursive: true });
  await writeFile(join(folder, String(pid), 'cgroup'), `0::${group}\n`);
  await writeFile(join(folder, String(pid), 'status'), `Name:\tsleep\nNSpid:\t${numbers}\n`);
  await writeFile(join(folder, String(pid), 'ns', 'net'), `network of ${pid}`);
}

const seat = (pid: number, startedAt = 'noon'): ContainerSeat => ({ pid, startedAt, aliases: new Map() });

/** A prober whose engine gives these seats one after the other; the last one again and again. */
function prober(
  seats: readonly ContainerSeat[],
  run?: (run: Run) => Promise<Ran>,
): ReturnType<typeof createProber> {
  const left = [...seats];
  const options: ProberOptions = {
    engine: { containerSeat: () => Promise.resolve((left.length > 1 ? left.shift() : left[0])!) },
    processes: { folder },
    ...(run ? { run } : {}),
  };
  return createProber(options);
}

/** Says which network it was given. */
const tell = async ({ descriptor }: Run): Promise<Ran> => ({
  ...{ end: 'exit', code: 0, stderr: '' },
  stdout: `${JSON.stringify({ name: await readFile(`/proc/self/fd/${descriptor ?? 0}`, 'utf8'), addresses: [] })}\n`,
});

async function entered(seats: readonly ContainerSeat[]): Promise<string | undefined> {
  const inside = await prober(seats, tell).enter(ID);
  const { answers } = await inside.resolve([], { address: '', deadlineMs: 1 });
  await inside.close();
  return answers[0]?.name;
}

describe('entering', () => {
  it('takes the process that the engine names', async () => {
    await process(77, '77 1', `/docker/${ID}`);
    expect(await entered([seat(77)])).toBe('network of 77');
  });

  it('finds the process where the engine counts in a process table of its own', async () => {
    await process(77, '77', '/system.slice/other.service');
    await process(4242, '4242 900 30', `/lab/${ID}`);
    await process(4243, '4243 77 1', `/lab/${ID}`);
    expect(await entered([seat(77)])).toBe('network of 4243');
  });

  it('takes nobody else for it, though the number is the same', async () => {
    await process(77, '77 1', `/docker/${'dead'.repeat(16)}`);
    await expect(entered([seat(77)])).rejects.toMatchObject({
      kind: 'waiting',
      message: expect.stringMatching(
        /no process of container c0ffeec0ffee is to be seen here: .*--pid host/,
      ) as string,
    });
  });

  it.each([
    ['has stopped', [seat(0)]],
    ['is started anew meanwhile', [seat(77), seat(77, 'later')]],
    ['has another process afterwards', [seat(77), seat(78)]],
    ['ends meanwhile', [seat(77), seat(0)]],
  ])('fails for a container that %s', async (_what, seats) => {
    await process(77, '77 1', `/docker/${ID}`);
    await expect(entered(seats)).rejects.toMatchObject({ code: 'not-running', kind: 'waiting' });
  });
});

describe('what keeps a program from running', () => {
  const ran = (change: Partial<Ran>): Ran => ({ end: 'exit', code: 1, stdout: '', stderr: '', ...change });
  const silent = ran({ stdout: '2 packets transmitted, 0 received, 100% packet loss\n' });
  const reply = ran({
    ...{
      code: 0,
      stdout: '2 packets transmitted, 2 received\nrtt min/avg/max/mdev = 0.195/0.2/0.238/0.02 ms\n',
    },
  });

  async function ping(...results: readonly Ran[]): Promise<{ found: object; argv: string[] }> {
    await process(77, '77 1', `/docker/${ID}`);
    const left = [...results];
    const argv: string[] = [];
    const inside = await prober([seat(77)], (run) => {
      argv.push(run.argv.join(' '));
      return Promise.resolve(left.shift()!);
    }).enter(ID);
    const found = await inside.ping(HOST, 1450);
    await inside.close();
    return { found, argv };
  }

  it('pings with the whole MTU and no cutting, then small', async () => {
    const { found, argv } = await ping(silent, reply);
    expect(argv).toEqual([
      'nsenter --net=/proc/self/fd/3 -- ping -n -q -M do -s 1422 -c 2 -i 0.2 -W 1 -w 3 -- 10.0.9.3',
      'nsenter --net=/proc/self/fd/3 -- ping -n -q -s 56 -c 2 -i 0.2 -W 1 -w 3 -- 10.0.9.3',
    ]);
    expect(found).toEqual({ node: 'n2', address: '10.0.9.3', reach: 'mtu', rttMs: 0.195 });
  });

  it('does not ping small where the whole comes through, and tells when neither does', async () => {
    expect((await ping(reply)).found).toMatchObject({ reach: 'ok', rttMs: 0.195 });
    expect((await ping(silent, silent)).found).toMatchObject({ reach: 'unreachable' });
    expect((await ping(ran({ end: 'late', code: -1 }), silent)).found).toMatchObject({
      reach: 'unreachable',
    });
  });

  it.each([
    ['no nsenter', { end: 'missing', code: -1 }, /install util-linux/],
    [
      'no ping',
      { code: 127, stderr: 'nsenter: failed to execute ping: No such file or directory' },
      /install iputils-ping/,
    ],
    [
      'another ping',
      { stderr: 'ping: unrecognized option: M\nBusyBox' },
      /not that of iputils: install iputils-ping/,
    ],
    [
      'no CAP_SYS_ADMIN',
      { stderr: "nsenter: reassociate to namespace 'ns/net' failed: Operation not permitted" },
      /CAP_SYS_ADMIN .*probe\.conf/,
    ],
    [
      'no CAP_NET_RAW',
      { code: 126, stderr: 'nsenter: failed to execute ping: Operation not permitted' },
      /CAP_NET_RAW/,
    ],
    [
      'no socket',
      { code: 2, stderr: 'ping: socket: Operation not permitted' },
      /CAP_NET_RAW; under systemd, .*probe\.conf/,
    ],
    ['a flood', { end: 'flood', code: -1 }, /says more than it ever should/],
    ['anything else', { code: 2, stderr: 'ping: strange' }, /ping failed: ping: strange/],
  ] as const)('says what to do: %s', async (_what, change, message) => {
    const { found } = await ping(ran(change));
    expect(found).toMatchObject({ reach: 'failed', message: expect.stringMatching(message) as string });
  });

  const lookUp = async (result: Ran): Promise<unknown> => {
    await process(77, '77 1', `/docker/${ID}`);
    const inside = await prober([seat(77)], () => Promise.resolve(result)).enter(ID);
    return inside.resolve(['a'], { address: '', deadlineMs: 1 }).finally(() => inside.close());
  };

  it('takes what names were answered before the end, and nothing that is none', async () => {
    const stdout = '{"mtu":1450}\n{"name":"a","addresses":["10.0.9.2"]}\n{"odd":1}\n{"name":"b","addre';
    expect(await lookUp(ran({ end: 'late', stdout }))).toEqual({
      mtu: 1450,
      answers: [{ name: 'a', addresses: ['10.0.9.2'] }],
    });
  });

  it.each([
    ['nothing', { end: 'late' }, /it ended with late/],
    ['a mistake', { stderr: 'Error: no such module' }, /no such module/],
    ['a flood', { end: 'flood', stdout: '{}\n' }, /too many/],
    ['no nsenter', { end: 'missing' }, /install util-linux/],
  ] as const)('fails where the names came to %s', async (_what, change, message) => {
    await expect(lookUp(ran(change))).rejects.toThrow(message);
  });
});

describe('the helper', () => {
  it('asks the server it is given and ends by itself at its deadline', async () => {
    const input = {
      names: ['a.invalid', 'b.invalid'],
      server: '127.0.0.1:9',
      address: '127.0.0.1',
      deadlineMs: 15_000,
    };
    const helper = new URL('./dns-helper.ts', import.meta.url).pathname;
    const ran = await runTool({
      ...{ argv: [globalThis.process.execPath, helper], input: JSON.stringify(input) },
      ...{ deadlineMs: 60_000, maxBytes: 10_000 },
    });
    const lines = ran.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toEqual({ mtu: expect.any(Number) as number });
    expect(
      lines
        .slice(1)
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(['a.invalid', 'b.invalid']);
    expect(lines[1]).toMatchObject({ addresses: [], error: expect.stringMatching(/^E/) as string });
  });
});
