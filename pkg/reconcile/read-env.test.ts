import { describe, expect, it } from 'vitest';
import { startAgent, type TestAgent } from '../../test/build/agent.ts';
import { container } from '../../test/build/objects.ts';
import { condition } from '../../test/build/simulated.ts';
import { FakeClock, OvrError } from '../api/index.ts';
import type { ContainerSpec } from '../manifest/index.ts';
import type { Secrets } from './ports.ts';
import { readEnv } from './read-env.ts';
import { SimulatedWorld, type SimulatedHost } from './simulated/index.ts';

const secrets: Secrets = {
  read: (path) => Promise.resolve(`content of ${path}`),
  open: (sealed) => Promise.resolve(new Map([['S', `opened by ${sealed}`]])),
};
const specOf = (spec: Partial<ContainerSpec>): ContainerSpec => container('web-1', spec).spec;

describe('readEnv', () => {
  it('takes each value from where it is, and tells which are secret', async () => {
    const env = [
      { name: 'A', value: 'b' },
      { name: 'F', file: '/f' },
      { name: 'S', sealed: 'ENC' },
      { name: 'E', value: '' },
    ];
    expect(await readEnv(specOf({ env, sealedBy: 'text' }), secrets)).toEqual({
      env: ['A=b', 'F=content of /f', 'S=opened by text', 'E='],
      secrets: [
        { name: 'F', value: 'content of /f' },
        { name: 'S', value: 'opened by text' },
      ],
    });
  });

  it('opens nothing where nothing is encrypted', async () => {
    const closed: Secrets = { ...secrets, open: () => Promise.reject(new Error('asked')) };
    expect(await readEnv(specOf({ env: [{ name: 'A', value: 'b' }] }), closed)).toEqual({
      env: ['A=b'],
      secrets: [],
    });
  });

  it.each([
    ['is not in what was opened', specOf({ env: [{ name: 'X', sealed: 'ENC' }], sealedBy: 'text' })],
    ['has nothing that opens it', specOf({ env: [{ name: 'S', sealed: 'ENC' }] })],
  ])('fails where an encrypted value %s, rather than leave it empty', async (_, spec) => {
    await expect(readEnv(spec, secrets)).rejects.toMatchObject({
      code: 'secret-unreadable',
      kind: 'waiting',
    });
  });
});

describe('a container whose secret cannot be had', () => {
  const old = container('web-1', { image: 'busybox' });
  const env = [{ name: 'F', file: '/f' }];
  const updated = container('web-1', { image: 'busybox', env });
  let isThere: boolean;

  async function running(): Promise<{ host: SimulatedHost; agent: TestAgent }> {
    isThere = false;
    const clock = new FakeClock();
    const host = new SimulatedWorld({ clock, topology: 'single', images: ['busybox'] }).host();
    const read = (path: string): Promise<string> =>
      isThere
        ? Promise.resolve('hush')
        : Promise.reject(new OvrError('secret-unreadable', 'waiting', `cannot read ${path}`));
    const agent = await startAgent({ engine: host.engine, clock, secrets: { ...secrets, read } });
    agent.source.declare(old);
    await agent.run();
    return { host, agent };
  }

  const ids = (host: SimulatedHost): [string, string][] =>
    host.observe().containers.map(({ name, id }) => [name, id]);

  it('goes on as it was, untouched, and is replaced once the secret is there', async () => {
    const { host, agent } = await running();
    const before = ids(host);
    const starts = host.calls.get('stopContainer') ?? 0;
    agent.source.declare(updated);
    await agent.run(60_000);
    expect([condition(agent, 'Container/web-1'), ids(host)]).toEqual(['Waiting', before]);
    expect(host.calls.get('stopContainer') ?? 0).toBe(starts);
    isThere = true;
    await agent.run(120_000);
    expect(condition(agent, 'Container/web-1')).toBe('Ready');
    expect(ids(host).map(([name]) => name)).toEqual(['web-1']);
    expect(ids(host)).not.toEqual(before);
  });

  it('is put back when its replacement was cut off half-way', async () => {
    const { host, agent } = await running();
    const [[, id] = ['', '']] = ids(host);
    host.setDown();
    host.hand.stop('web-1');
    host.hand.rename('web-1', 'web-1.ovr-old');
    host.setUp();
    agent.source.declare(updated);
    await agent.run(60_000);
    expect(ids(host)).toEqual([['web-1', id]]);
  });
});
