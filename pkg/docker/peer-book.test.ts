import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ScriptedEngine,
  type ScriptedHost,
  adapterOn,
  eventually,
  playHost,
} from '../../test/faultproxy/index.ts';
import { FakeClock } from '../api/index.ts';
import type { Engine, EngineEvent, Stoppable } from '../reconcile/index.ts';
import type { ObservedNetwork } from '../state/index.ts';

const SELF = '10.6.17.12';
const OTHER = '10.6.17.13';
/** As Docker 20.10 answers them, cut to what matters. */
const NODES = [
  { ID: 'me', Description: { Hostname: 'swarm-master' }, Status: { State: 'ready', Addr: SELF } },
  { ID: 'other', Description: { Hostname: 'swarm-node-1' }, Status: { State: 'ready', Addr: OTHER } },
];
const TASKS = [task('me'), task('other')];

let scripted: ScriptedEngine;
let host: ScriptedHost;
let clock: FakeClock;
let engine: Engine;
let events: EngineEvent[];
let watching: Stoppable | undefined;
let peers: readonly string[];
let nodes: readonly object[];
let tasks: readonly object[] | undefined;

function task(NodeID: string, network = 'n1', State = 'running'): object {
  const Spec = { NetworkAttachmentSpec: { ContainerID: NodeID }, Runtime: 'attachment' };
  return { ID: `t-${NodeID}`, NodeID, Spec, Status: { State }, NetworksAttachments: [on(network)] };
}

function on(ID: string): object {
  return { Network: { ID }, Addresses: ['10.64.0.2/24'] };
}

function overlay(id: string): object {
  return { Id: id, Name: `ovr-${id}`, Driver: 'overlay', Scope: 'swarm', Attachable: true };
}

function endpointOn(NetworkID: string): object {
  return { NetworkID, EndpointID: `e-${NetworkID}`, IPAddress: '10.64.0.2' };
}

function swarm(ControlAvailable: boolean, LocalNodeState = 'active'): object {
  return { Swarm: { NodeID: 'me', NodeAddr: SELF, LocalNodeState, ControlAvailable } };
}

beforeEach(async () => {
  [clock, events, watching] = [new FakeClock(), [], undefined];
  [peers, nodes, tasks] = [[SELF], NODES, TASKS];
  host = {
    info: swarm(true),
    networks: [overlay('n1')],
    containers: [{ id: 'c1', name: 'web', networks: { 'ovr-n1': endpointOn('n1') } }],
    also: ({ path }) => {
      if (/\/networks\/n\d$/.test(path)) {
        return { json: { Id: 'n1', Peers: peers.map((IP, index) => ({ Name: `p${index}`, IP })) } };
      }
      if (path.endsWith('/tasks')) return tasks && { json: tasks };
      if (path.endsWith('/nodes')) return { json: nodes };
      if (path.endsWith('/nodes/me')) return { json: { Spec: { Labels: {} } } };
      if (path.endsWith('/events')) return (response: ServerResponse) => response.flushHeaders();
      return undefined;
    },
  };
  scripted = await ScriptedEngine.start(playHost(host));
  engine = adapterOn(scripted.socketPath, { clock });
});

afterEach(async () => {
  watching?.stop();
  await scripted.close();
});

/** What is known of the network once nothing more is being asked. */
async function known(): Promise<ObservedNetwork | undefined> {
  await engine.observe();
  await quiet();
  return (await engine.observe()).networks.find(({ id }) => id === 'n1');
}

/** Ends once no new call has come for a while; what an observation sets off is sent at once. */
async function quiet(): Promise<void> {
  for (let before = -1; before !== scripted.requests.length;) {
    before = scripted.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The calls since the last time it was asked, but for lists and pings. */
function newCalls(): string[] {
  const calls = scripted.calls
    .map((call) => call.replace('GET /v1.41/', ''))
    .filter((call) => /^(networks\/|tasks|nodes$)/.test(call));
  scripted.requests.length = 0;
  return calls;
}

async function watch(): Promise<void> {
  watching = engine.watch((event) => events.push(event));
  await eventually(() => expect(events.map(({ type }) => type)).toContain('up'));
}

describe('the peers of an overlay', () => {
  it('lack a host that is up and has something running on it, since when it was first seen', async () => {
    const unjoined = [{ name: 'swarm-node-1', address: OTHER, forMs: 0 }];
    await eventually(async () => expect(await known()).toMatchObject({ peers: [SELF], unjoined }));
    expect(newCalls()).toEqual(['networks/n1', 'tasks', 'nodes']);
    clock.advance(6_000);
    await known();
    clock.advance(4_000);
    expect((await known())?.unjoined).toMatchObject([{ forMs: 10_000 }]);
    peers = [SELF, OTHER];
    clock.advance(5_000);
    await eventually(async () => expect(await known()).toMatchObject({ peers: [SELF, OTHER] }));
    expect(await known()).not.toHaveProperty('unjoined');
  });

  it('are asked about with the filter that shows containers that attached by themselves', async () => {
    await eventually(async () => expect(await known()).toHaveProperty('unjoined'));
    const asked = scripted.requests.find(({ path }) => path.endsWith('/tasks'));
    expect(JSON.parse(asked?.query.get('filters') ?? '')).toEqual({
      runtime: ['attachment', 'container'],
      'desired-state': ['running'],
    });
  });

  it.each<[what: string, change: () => void]>([
    ['a host that is down', () => (nodes = [NODES[0]!, { ...NODES[1], Status: { State: 'down' } }])],
    ['a host without containers on it', () => (tasks = [task('me'), task('other', 'n9')])],
    ['a host whose container does not run', () => (tasks = [task('me'), task('other', 'n1', 'preparing')])],
    ['anybody where the managers do not say', () => (tasks = undefined)],
    ['anybody once one has joined', () => (peers = [SELF, OTHER])],
    ['anybody that a worker could know of', () => (host.info = swarm(false))],
  ])('do not lack %s', async (_, change) => {
    change();
    await eventually(async () => expect(await known()).toMatchObject({ peers }));
    expect(await known()).not.toHaveProperty('unjoined');
  });

  it.each<[what: string, change: () => void]>([
    ['the node has not joined its Swarm', () => (host.info = swarm(true, 'pending'))],
    ['there is no Swarm', () => (host.info = {})],
    ['it is no overlay of Swarm’s', () => (host.networks = [{ ...overlay('n1'), Scope: 'local' }])],
    ['nothing of ovr’s runs on it here', () => (host.containers = [{ ...container(), isOwned: false }])],
    ['what is on it here is stopped', () => (host.containers = [{ ...container(), state: 'exited' }])],
  ])('are not asked for where %s', async (_, change) => {
    change();
    expect(await known()).not.toHaveProperty('peers');
    expect(newCalls()).toEqual([]);
  });

  it('are asked for at first, then one network in 15 s, in turn', async () => {
    peers = [SELF, OTHER];
    host.networks = [overlay('n1'), overlay('n2')];
    host.containers = [container('n1', 'n2')];
    await known();
    expect(newCalls().sort()).toEqual(['networks/n1', 'networks/n2']);
    clock.advance(14_999);
    await known();
    expect(newCalls()).toEqual([]);
    const turns: string[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      clock.advance(15_000);
      await known();
      turns.push(...newCalls());
    }
    expect(turns).toEqual(['networks/n1', 'networks/n2', 'networks/n1']);
  });

  it('ring when hosts begin to lack and when they have come, without a round in between', async () => {
    await watch();
    await known();
    const changed = { type: 'changed', networkName: 'ovr-n1' };
    await eventually(() => expect(events.slice(1)).toEqual([changed]));
    peers = [SELF, OTHER];
    clock.advance(5_000);
    await eventually(() => expect(events.slice(1)).toEqual([changed, changed]));
    await quiet();
    newCalls();
    clock.advance(10_000);
    await quiet();
    expect(newCalls()).toEqual([]);
  });
});

function container(...networks: string[]): NonNullable<ScriptedHost['containers']>[number] {
  const on = networks.length > 0 ? networks : ['n1'];
  return {
    id: 'c1',
    name: 'web',
    networks: Object.fromEntries(on.map((id) => [`ovr-${id}`, endpointOn(id)])),
  };
}
