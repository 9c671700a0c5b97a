import { describe, expect, it } from 'vitest';
import { factsOf, isSettled } from './facts.ts';
import { infoShape } from './wire.ts';

const INFO = {
  ID: 'ENGINE',
  Name: 'swarm-node-1',
  ServerVersion: '20.10.24',
  OSType: 'linux',
  Architecture: 'x86_64',
  OperatingSystem: 'Debian GNU/Linux 12 (bookworm)',
  KernelVersion: '6.1.0',
  Driver: 'overlay2',
  NCPU: 2,
  MemTotal: 4096,
  Labels: ['disk=ssd', 'bare', 'url=a=b', 'ostype=fake'],
  Swarm: { NodeID: '', NodeAddr: '', LocalNodeState: 'inactive', ControlAvailable: false },
};

function facts(changes: object, more: object = {}): ReturnType<typeof factsOf> {
  const info = infoShape.parse({ ...INFO, ...changes });
  return factsOf({ info, apiVersion: '1.41', nodeLabels: {}, swarmLabels: {}, ...more });
}

describe('facts', () => {
  it('are what the engine says', () => {
    expect(facts({})).toEqual({
      kind: 'plain',
      version: '20.10.24',
      apiVersion: '1.41',
      cpus: 2,
      memoryBytes: 4096,
      node: {
        id: 'ENGINE',
        name: 'swarm-node-1',
        ip: '',
        role: 'worker',
        os: 'linux',
        arch: 'x86_64',
        labels: {},
        engineLabels: {
          disk: 'ssd',
          bare: '',
          url: 'a=b',
          storagedriver: 'overlay2',
          kernelversion: '6.1.0',
          operatingsystem: 'Debian GNU/Linux 12 (bookworm)',
          ostype: 'linux',
        },
      },
    });
  });

  it.each([
    ['plain', {}],
    ['plain', { Swarm: null, ClusterStore: '' }],
    ['cluster-store', { ClusterStore: 'etcd://10.6.17.12:2379/store' }],
    ['swarm-manager', { Swarm: { LocalNodeState: 'active', ControlAvailable: true } }],
    ['swarm-worker', { Swarm: { LocalNodeState: 'active', ControlAvailable: false } }],
    ['swarm-worker', { Swarm: { LocalNodeState: 'pending', ControlAvailable: false } }],
    ['swarm-worker', { Swarm: { LocalNodeState: 'locked' } }],
    ['classic-swarm', { ServerVersion: 'swarm/1.2.9' }],
  ])('%s: %j', (kind, changes) => {
    expect(facts(changes).kind).toBe(kind);
  });

  it.each([
    [{}, true],
    [{ Swarm: { LocalNodeState: 'active' } }, true],
    [{ Swarm: { LocalNodeState: 'pending' } }, false],
    [{ Swarm: { LocalNodeState: 'error' } }, false],
  ])('%j are settled: %s', (changes, expected) => {
    expect(isSettled(infoShape.parse({ ...INFO, ...changes }))).toBe(expected);
  });

  it('of a Swarm node are those of the node', () => {
    const Swarm = {
      NodeID: 'lnkx',
      NodeAddr: '10.6.19.12',
      LocalNodeState: 'active',
      ControlAvailable: true,
    };
    const labels = { nodeLabels: { zone: 'flag', rack: '1' }, swarmLabels: { zone: 'swarm', disk: 'ssd' } };
    expect(facts({ Swarm }, labels).node).toMatchObject({
      id: 'lnkx',
      ip: '10.6.19.12',
      role: 'manager',
      labels: { zone: 'flag', rack: '1', disk: 'ssd' },
    });
  });

  it.each([
    ['10.6.17.13:2375', '10.6.17.13'],
    ['[fd00::1]:2375', 'fd00::1'],
    ['host', 'host'],
  ])('advertised as %s have the address %s', (ClusterAdvertise, ip) => {
    expect(facts({ ClusterAdvertise }).node.ip).toBe(ip);
  });

  it('can be of another name', () => {
    expect(facts({}, { nodeName: 'mine' }).node.name).toBe('mine');
  });
});
