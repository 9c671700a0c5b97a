import { describe, expect, it } from 'vitest';
import { parseAddress } from './address.ts';

describe('a Docker address', () => {
  it.each([
    ['unix:///var/run/docker.sock', false, { socketPath: '/var/run/docker.sock' }],
    ['/run/docker.sock', false, { socketPath: '/run/docker.sock' }],
    ['/run/docker.sock', true, { socketPath: '/run/docker.sock' }],
    ['unix:///with%20space/d.sock', false, { socketPath: '/with space/d.sock' }],
    ['tcp://10.6.17.13:2375', false, { hostname: '10.6.17.13', port: 2375, secure: false }],
    ['tcp://10.6.17.13:2376', true, { hostname: '10.6.17.13', port: 2376, secure: true }],
    ['tcp://swarm-node-1', false, { hostname: 'swarm-node-1', port: 2375, secure: false }],
    ['tcp://swarm-node-1', true, { hostname: 'swarm-node-1', port: 2376, secure: true }],
    ['tcp://[fd00::1]:2375', false, { hostname: 'fd00::1', port: 2375, secure: false }],
    ['http://host', false, { hostname: 'host', port: 2375, secure: false }],
    ['http://host:80', false, { hostname: 'host', port: 80, secure: false }],
    ['https://host', false, { hostname: 'host', port: 2376, secure: true }],
    ['https://host:443/', false, { hostname: 'host', port: 443, secure: true }],
  ])('%s (TLS options: %s)', (host, hasTls, address) => {
    expect(parseAddress(host, hasTls)).toEqual(address);
  });

  it.each([
    '',
    'docker.sock',
    'unix://run/docker.sock',
    'unix://',
    'ssh://host',
    'host:2375',
    'tcp://',
    'tcp://h:99999',
  ])('refuses "%s"', (host) => {
    expect(() => parseAddress(host, false)).toThrow(
      expect.objectContaining({ code: 'invalid-request', kind: 'invalid' }) as Error,
    );
  });
});
