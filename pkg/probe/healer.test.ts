import { describe, expect, it } from 'vitest';
import { alias, attach, container, network } from '../../test/build/objects.ts';
import { startAgent, type TestAgent } from '../../test/build/agent.ts';
import { FakeClock, silentLogger } from '../api/index.ts';
import type { Suspect } from '../check/index.ts';
import type { ManifestObject } from '../manifest/index.ts';
import { alone, type Hold, type ReconcilerOptions } from '../reconcile/index.ts';
import { SimulatedWorld, type SimulatedHost } from '../reconcile/simulated/index.ts';
import { Healer } from './healer.ts';

const INTERVAL_MS = 60_000;
const HOUR_MS = 3_600_000;
const net0 = network('net0', { ipam: { subnet: '10.0.9.0/24' } });
const web = container('web', { networks: [attach('net0', 'w')] });
const shop = container('shop', { networks: [attach('net0')] });

interface Bench {
  readonly host: SimulatedHost;
  readonly agent: TestAgent;
  readonly healer: Healer;
  /** In force. */
  readonly holds: Hold[];
  /** So many checks, each after one interval, that find these containers wrong. */
  checks(times: number, ...suspects: readonly Suspect[]): Promise<void>;
  suspect(name: string, change?: Partial<Suspect>): Suspect;
  /** The endpoints that were made again, as `web@10.0.9.2`, oldest first. */
  made(): string[];
}

/** An agent with these options beside what another one has made. */
async function bench(objects: ManifestObject[], options: Partial<ReconcilerOptions> = {}): Promise<Bench> {
  const clock = new FakeClock();
  const world = new SimulatedWorld({ clock, topology: 'cluster-store', images: ['busybox'] });
  const host = world.host();
  const made: string[] = [];
  const holds: Hold[] = [];
  const setup = {
    ...{ engine: host.engine, clock },
    coordination: { ...alone, holds: { ...alone.holds, list: () => holds } },
  };
  const maker = await startAgent(setup);
  maker.source.declare(...objects);
  await maker.run();
  await maker.reconciler.stop();
  const agent = await startAgent({ ...setup, options });
  agent.source.declare(...objects);
  await agent.run();
  const { reconciler } = agent;
  reconciler.onEvent(({ type, action, cause, key }) => {
    if (type !== 'Action' || action !== 'ConnectEndpoint' || cause?.reason !== 'Unpublished') return;
    const name = (key ?? '').replace('Container/', '');
    made.push(`${name}@${addressOf(host, name)}`);
  });
  const healer = new Healer({
    ...{ intervalMs: INTERVAL_MS, cluster: 'default', engine: host.engine, clock, logger: silentLogger },
    status: () => reconciler.status(),
    republish: (finding) => reconciler.republish(finding),
    refused: (key, message) => reconciler.tellRefused(key, message),
  });
  return {
    ...{ host, agent, healer, holds, made: () => made },
    checks: async (times, ...suspects) => {
      for (let done = 0; done < times; done += 1) {
        await agent.run(INTERVAL_MS);
        healer.looked();
        await healer.hear(suspects);
        await agent.run(10_000);
      }
    },
    suspect: (name, change = {}) => suspectOf(host, name, change),
  };
}

function addressOf(host: SimulatedHost, name: string): string {
  return host.observe().containers.find((one) => one.name === name)?.endpoints[0]?.ipv4Address ?? 'none';
}

function picture(host: SimulatedHost): string {
  return JSON.stringify(host.observe().containers.toSorted((a, b) => (a.name < b.name ? -1 : 1)));
}

function suspectOf(host: SimulatedHost, name: string, change: Partial<Suspect>): Suspect {
  const found = host.observe().containers.find((one) => one.name === name);
  const endpoint = found?.endpoints[0];
  return {
    ...{ kind: 'name', node: host.name, containerId: found?.id ?? '', container: name },
    ...{ networkId: endpoint?.networkId ?? '', network: endpoint?.networkName ?? '' },
    address: endpoint?.ipv4Address ?? '',
    why: `asked on n2, ${name} does not lead to ${endpoint?.ipv4Address ?? ''}`,
    ...change,
  };
}

it('makes an endpoint again that three checks in a row find wrong, under its address, and tells why', async () => {
  const it = await bench([net0, web, shop]);
  const address = addressOf(it.host, 'web');
  await it.checks(2, it.suspect('web'));
  expect(it.made()).toEqual([]);
  await it.checks(1, it.suspect('web'));
  expect(it.made()).toEqual([`web@${address}`]);
  const { objects } = it.agent.reconciler.status();
  expect(objects.find(({ key }) => key === 'Container/web')).toMatchObject({
    condition: { type: 'Ready' },
    heals: [
      { playbook: 'republish-endpoint', saw: `networks[net0]: asked on n2, web does not lead to ${address}` },
    ],
  });
});

it('takes one at a time, the next once that has helped, and none where it has not', async () => {
  const helped = await bench([net0, web, shop]);
  await helped.checks(3, helped.suspect('shop'), helped.suspect('web'));
  expect(helped.made()).toHaveLength(1);
  await helped.checks(2, helped.suspect('web'));
  expect(helped.made().map((one) => one.split('@')[0])).toEqual(['shop', 'web']);

  const futile = await bench([net0, web, shop]);
  const until = futile.agent.clock.monotonic() + HOUR_MS;
  while (futile.agent.clock.monotonic() < until) {
    await futile.checks(1, futile.suspect('shop'), futile.suspect('web'));
  }
  expect(futile.made()).toHaveLength(1);
});

describe('leaves an endpoint alone', () => {
  const observed = container('web', { networks: [attach('net0', 'w')] }, { mode: 'observe' });
  it.each<
    [why: string, change: Partial<Suspect>, options?: Partial<ReconcilerOptions>, web?: ManifestObject]
  >([
    ['of an ovrd that observes', {}, { mode: 'observe' }],
    ['of an object that is only observed', {}, {}, observed],
    ['of another node', { node: 'n9' }],
    ['of another container of that name', { containerId: 'other' }],
    ['that has another address by now', { address: '10.0.9.77' }],
    ['on another network of that name', { networkId: 'other' }],
    ['that no manifest declares', { container: 'guest' }],
  ])('%s', async (_, change, options = {}, now = web) => {
    const it = await bench([net0, web], options);
    it.agent.source.declare(net0, now);
    it.host.hand.runContainer('guest', { network: 'net0' });
    await it.agent.run();
    const before = picture(it.host);
    await it.checks(4, it.suspect('web', change));
    expect(it.made()).toEqual([]);
    expect(picture(it.host)).toBe(before);
  });

  it('that is not Ready', async () => {
    const it = await bench([net0, web]);
    const wrong = it.suspect('web');
    it.host.setDown();
    it.host.hand.stop('web');
    await it.checks(4, wrong);
    expect(it.made()).toEqual([]);
  });

  it('that a person has suspended', async () => {
    const it = await bench([net0, web]);
    it.holds.push({ id: 'suspend/Container/web', who: 'ann', whenMs: 0, what: '{}' });
    it.agent.reconciler.sourceChanged();
    await it.checks(4, it.suspect('web'));
    expect(it.made()).toEqual([]);
    it.holds.pop();
    it.agent.reconciler.sourceChanged();
    await it.checks(1, it.suspect('web'));
    expect(it.made()).toHaveLength(1);
  });

  it('while an alias that it holds is moving', async () => {
    const blue = container('web', { networks: [attach('net0')] }, { labels: { track: 'blue' } });
    const it = await bench([net0, blue, alias('w', { network: 'net0', selector: { track: 'blue' } })]);
    expect(it.agent.reconciler.status().aliases[0]).toMatchObject({ isSettled: true });
    const moving = alias('w', { network: 'net0', selector: { track: 'green' } });
    it.agent.source.declare(net0, blue, moving);
    await it.agent.run();
    expect(it.agent.reconciler.status().aliases[0]).toMatchObject({ isSettled: false });
    await it.checks(4, it.suspect('web'));
    expect(it.made()).toEqual([]);
    it.agent.source.declare(net0, blue, alias('w', { network: 'net0', selector: { track: 'blue' } }));
    await it.checks(1, it.suspect('web'));
    expect(it.made()).toHaveLength(1);
  });

  it('whose address could not be kept, and says so once', async () => {
    const it = await bench([container('web', { networks: [attach('plain')] })]);
    it.host.hand.createNetwork('plain', { driver: 'bridge' });
    await it.agent.run();
    await it.checks(5, it.suspect('web'));
    expect(it.made()).toEqual([]);
    const told = it.agent.reconciler.events(0).filter(({ type }) => type === 'Heal');
    expect(told).toMatchObject([
      { key: 'Container/web', severity: 'warning', playbook: 'republish-endpoint' },
    ]);
    expect(told[0]?.message).toMatch(/network plain has no configured subnet.*ovr republish web/);
  });
});
