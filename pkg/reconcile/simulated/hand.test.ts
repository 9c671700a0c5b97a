import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../api/index.ts';
import type { RestartPolicy } from '../../manifest/index.ts';
import type { ObservedContainer } from '../../state/index.ts';
import { type Program, SimulatedWorld, type SimulatedHost } from './index.ts';

function setUp(program: Program = {}) {
  const clock = new FakeClock();
  const world = new SimulatedWorld({ clock, topology: 'cluster-store', hosts: 2, programs: () => program });
  return { clock, world, host: world.host(), hand: world.host().hand };
}

function look(host: SimulatedHost, name: string): ObservedContainer | undefined {
  return host.observe().containers.find((container) => container.name === name);
}

function policy(name: RestartPolicy['name'], maximumRetryCount = 0): { restartPolicy: RestartPolicy } {
  return { restartPolicy: { name, maximumRetryCount } };
}

describe('a container that ends by itself', () => {
  it.each([
    ['always', 0, 'restarting'],
    ['unless-stopped', 1, 'restarting'],
    ['on-failure', 1, 'restarting'],
    ['on-failure', 0, 'exited'],
    ['no', 1, 'exited'],
  ] as const)('with policy %s and exit code %i is %s', (name, exitCode, state) => {
    const { hand, host, clock } = setUp();
    hand.runContainer('box', policy(name));
    hand.crash('box', exitCode);
    expect(look(host, 'box')).toMatchObject({ state, endpoints: [{ ipv4Address: '' }] });
    clock.advance(100);
    expect(look(host, 'box')?.state).toBe(state === 'restarting' ? 'running' : 'exited');
  });

  it('is restarted after twice as long each time, and not more often than its policy says', () => {
    const { hand, host, clock } = setUp({ exitAfterMs: 1_000, exitCode: 3 });
    hand.runContainer('box', policy('on-failure', 2));
    const states: (string | undefined)[] = [];
    for (const stepMs of [1_000, 100, 1_000, 199, 1, 1_000, 60_000]) {
      clock.advance(stepMs);
      states.push(look(host, 'box')?.state);
    }
    const expected = ['restarting', 'running', 'restarting', 'restarting', 'running', 'exited', 'exited'];
    expect(states).toEqual(expected);
  });

  it('is not restarted once it was stopped or removed', () => {
    const { hand, host, clock } = setUp();
    for (const name of ['stopped', 'removed']) {
      hand.runContainer(name, policy('always'));
      hand.crash(name);
    }
    hand.stop('stopped');
    hand.remove('removed');
    clock.advance(60_000);
    expect(look(host, 'stopped')?.state).toBe('exited');
    expect(look(host, 'removed')).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  it('stays down when its network is gone', () => {
    const { hand, host, clock } = setUp();
    hand.createNetwork('side');
    hand.runContainer('box', { network: 'side', ...policy('always') });
    hand.crash('box');
    hand.removeNetwork('side');
    clock.advance(60_000);
    expect(look(host, 'box')?.state).toBe('exited');
  });
});

describe('a daemon that restarts', () => {
  it('brings back what its restart policy says', () => {
    const { hand, host } = setUp();
    hand.runContainer('always', policy('always'));
    hand.runContainer('always-stopped', policy('always'));
    hand.runContainer('unless', policy('unless-stopped'));
    hand.runContainer('unless-stopped', policy('unless-stopped'));
    hand.runContainer('never');
    hand.runContainer('created', { start: false, ...policy('always') });
    hand.stop('always-stopped');
    hand.stop('unless-stopped');
    hand.restartDaemon();
    const states = host.observe().containers.map(({ name, state }) => [name, state] as const);
    expect(Object.fromEntries(states)).toEqual({
      always: 'running',
      'always-stopped': 'running',
      unless: 'running',
      'unless-stopped': 'exited',
      never: 'exited',
      created: 'created',
    });
  });

  it('can leave those on shared networks behind', () => {
    const { hand, host } = setUp();
    hand.createNetwork('ovr0', { driver: 'overlay' });
    hand.runContainer('far', { network: 'ovr0', ...policy('always') });
    hand.runContainer('near', policy('always'));
    hand.restartDaemon({ attachFails: true });
    expect([look(host, 'far')?.state, look(host, 'near')?.state]).toEqual(['exited', 'running']);
    hand.start('far');
  });
});

describe('what a failed attempt to attach leaves', () => {
  it('is in the way of the next start, and a disconnect then removes it', async () => {
    const { hand, host } = setUp();
    const net = hand.createNetwork('side', { ipam: { subnet: '10.0.9.0/24' } });
    hand.runContainer('first', { network: 'side', ipv4Address: '10.0.9.9' });
    const box = hand.runContainer('box');
    const endpoint = { network: { name: 'side', id: net }, aliases: [], ipv4Address: '10.0.9.9' };
    await expect(host.engine.connect(box, endpoint)).rejects.toMatchObject({ code: 'address-in-use' });
    expect(look(host, 'box')?.endpoints.map(({ networkName }) => networkName)).toEqual(['bridge']);
    hand.stop('box');
    expect(look(host, 'box')?.endpoints.map(({ networkName }) => networkName)).toEqual(['bridge', 'side']);
    await expect(host.engine.startContainer(box)).rejects.toMatchObject({ code: 'address-in-use' });
    await host.engine.disconnect(box, endpoint.network);
    await host.engine.startContainer(box);
  });
});

describe('hands', () => {
  it('leave an endpoint behind that blocks its name until it is dropped', async () => {
    const { hand, host } = setUp();
    hand.createNetwork('ovr0', { driver: 'overlay' });
    hand.leaveStaleEndpoint('ovr0', 'box');
    expect(() => hand.runContainer('box', { network: 'ovr0' })).toThrow(
      expect.objectContaining({ code: 'stale-endpoint' }),
    );
    const id = host.world.shared[0]?.id ?? '';
    await expect(host.engine.removeNetwork(id)).rejects.toMatchObject({ code: 'network-in-use' });
    const drop = (): Promise<void> => host.engine.dropEndpoint('box', { name: 'ovr0', id });
    hand.rename('box', 'moved');
    await drop();
    await expect(drop()).rejects.toMatchObject({ code: 'not-found' });
    hand.rename('moved', 'box');
    hand.start('box');
  });

  it('make a container that others cannot share its port with, on the same address', () => {
    const { hand } = setUp();
    const port = { hostPort: 8001, containerPort: 22, protocol: 'tcp' } as const;
    hand.runContainer('one', { ports: [{ ...port, hostIp: '127.0.0.1' }] });
    hand.runContainer('two', { ports: [{ ...port, hostIp: '127.0.0.2' }] });
    hand.runContainer('udp', { ports: [{ ...port, protocol: 'udp' }] });
    const all = { ports: [port] };
    expect(() => hand.runContainer('all', all)).toThrow(expect.objectContaining({ code: 'port-in-use' }));
    hand.stop('one');
    hand.stop('two');
    hand.start('all');
  });

  it('connect a container that does not run without changing the record it has', () => {
    const { hand, host, world } = setUp();
    hand.createNetwork('side');
    hand.runContainer('box', { network: 'side', aliases: ['old'], start: false });
    hand.connect('box', 'side', { aliases: ['new'] });
    hand.start('box');
    const other = hand.runContainer('other', { network: 'side' });
    expect(world.resolve(host.name, 'other', 'old')).toHaveLength(1);
    expect(world.resolve(host.name, 'other', 'new')).toEqual([]);
    expect(other).toHaveLength(64);
  });

  it.each([
    ['kill', 'invalid-request'],
    ['crash', 'invalid-request'],
    ['pause', 'invalid-request'],
    ['stop', 'not-modified'],
  ] as const)('cannot %s what does not run', (act, code) => {
    const { hand } = setUp();
    hand.runContainer('box', { start: false });
    expect(() => hand[act]('box')).toThrow(expect.objectContaining({ code }));
    expect(() => hand[act]('none')).toThrow(expect.objectContaining({ code: 'not-found' }));
  });
});
