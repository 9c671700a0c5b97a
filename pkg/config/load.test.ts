import { describe, expect, it } from 'vitest';

import { config, load, problems, readFrom, type World } from '../../test/build/config.ts';
import { loadClientConfig, loadVariables } from './load.ts';
import { readVersion } from './version.ts';

const FILE = '/etc/ovr/ovrd.yaml';

describe('loadConfig', () => {
  it('has a default for everything', async () => {
    expect(await config({})).toEqual({
      manifests: ['/etc/ovr.d'],
      recursive: false,
      variables: { values: {}, files: [] },
      docker: { host: 'unix:///var/run/docker.sock' },
      engine: 'docker',
      cluster: 'default',
      coordinator: { kind: 'local' },
      nodeLostAfterMs: 60_000,
      strategy: 'spread',
      nodeLabels: {},
      listen: { host: '127.0.0.1', port: 9469 },
      socket: '/run/ovr/ovrd.sock',
      stateDir: '/var/lib/ovr',
      mode: 'enforce',
      subnetPool: '10.64.0.0/10',
      resyncMs: 60_000,
      probeIntervalMs: 0,
      probeHeal: true,
      concurrency: 8,
      once: false,
      logFormat: 'json',
      logLevel: 'info',
    });
  });

  it('freezes what it returns', async () => {
    const loaded = await config({ argv: ['--node-label', 'a=b'] });
    expect([loaded, loaded.docker, loaded.nodeLabels, loaded.manifests].every(Object.isFrozen)).toBe(true);
  });

  const cluster = { OVR_CLUSTER: 'variable' };
  const files = { [FILE]: 'cluster: file\n' };
  it.each([
    ['flag before variable', { argv: ['--cluster', 'flag'], env: cluster, files }, 'flag'],
    ['flag with an equals sign', { argv: ['--cluster=flag'] }, 'flag'],
    ['last flag', { argv: ['--cluster=a', '--cluster=b'] }, 'b'],
    ['variable before file', { env: cluster, files }, 'variable'],
    ['an empty variable counts as none', { env: { OVR_CLUSTER: '' }, files }, 'file'],
    ['file before default', { files }, 'file'],
    ['another file', { argv: ['--config', '/x'], files: { '/x': 'cluster: x' } }, 'x'],
    ['another file by variable', { env: { OVR_CONFIG: '/x' }, files: { '/x': 'cluster: x' } }, 'x'],
  ])('%s', async (_name, world: World, expected) => {
    expect((await config(world)).cluster).toBe(expected);
  });

  it('reads every option from flags', async () => {
    const argv =
      '--manifests a --manifests=b --docker-host tcp://10.6.17.13:2375 --docker-api-version 1.22 --node-name n1 ' +
      '--node-label zone=a --node-label disk= --listen none --socket /s --state-dir /d --mode observe ' +
      '--subnet-pool 10.9.0.0/16 --resync 1m30s --concurrency 3 --once --engine memory --log-format pretty --log-level debug';
    expect(await config({ argv: argv.split(' ') })).toMatchObject({
      manifests: ['a', 'b'],
      docker: { host: 'tcp://10.6.17.13:2375', apiVersion: '1.22' },
      nodeName: 'n1',
      nodeLabels: { zone: 'a', disk: '' },
      mode: 'observe',
      resyncMs: 90_000,
      concurrency: 3,
      once: true,
      engine: 'memory',
    });
    expect(await config({ argv: ['--listen', 'none'] })).not.toHaveProperty('listen');
    expect(await config({ argv: ['--listen', '[::1]:0'] })).toMatchObject({
      listen: { host: '::1', port: 0 },
    });
  });

  it('reads lists and mappings, and versions as they are written, from the file', async () => {
    const text = 'manifests: [a, b]\nnode-label: {zone: a}\ndocker-api-version: 1.30\nconcurrency: 4\n';
    expect(await config({ files: { [FILE]: text } })).toMatchObject({
      manifests: ['a', 'b'],
      nodeLabels: { zone: 'a' },
      docker: { apiVersion: '1.30' },
      concurrency: 4,
    });
  });

  it.each<[string, World]>([
    ['a flag', { argv: ['--recursive'] }],
    ['a variable', { env: { OVR_RECURSIVE: 'true' } }],
    ['the file', { files: { [FILE]: 'recursive: true\n' } }],
    ['a flag, for Git alone', { argv: ['--git-url', 'https://git.example.org/a.git', '--recursive'] }],
  ])('descends into folders because of %s', async (_what, world) => {
    expect(await config(world)).toMatchObject({ recursive: true });
  });

  it('splits variables of repeatable options at commas', async () => {
    expect(await config({ env: { OVR_MANIFESTS: '/a, /b', OVR_NODE_LABEL: 'x=1,y=2' } })).toMatchObject({
      manifests: ['/a', '/b'],
      nodeLabels: { x: '1', y: '2' },
    });
  });

  it('reports every mistake of flags, variables and file in one go', async () => {
    const world = {
      argv: ['--resync', '6x', '--clustr', 'a', '--mode', '--once=yes', 'stray', '--concurrency', '0'],
      env: { OVR_LOG_LEVL: 'debug', OVR_ENGINE: 'podman', PATH: '/bin' },
      files: { [FILE]: 'log-format: xml\n\nsubnetpool: 10.0.0.0/8\nsocket: [a]\nnode-name:\n' },
    };
    expect(await problems(world)).toEqual([
      '--mode: has no value: write --mode MODE',
      '--clustr: is not an option of ovrd (did you mean "--cluster"?): see ovrd --help',
      '--once: takes no value: write --once alone',
      'OVR_LOG_LEVL: is not a variable of ovr (did you mean "OVR_LOG_LEVEL"?)',
      `${FILE}:3: subnetpool: is not a setting (did you mean "subnet-pool"?)`,
      `${FILE}:4: socket: takes one value, not a list`,
      `${FILE}:5: node-name: has no value: write one or remove the line`,
      'OVR_ENGINE: "podman" is not valid: write docker or memory',
      '--concurrency: "0" is not valid: write a whole number from 1 to 64',
      '--resync: "6x" is not valid: write a number with a unit, for example 500ms, 30s or 5m',
      `${FILE}:1: log-format: "xml" is not valid: write json or pretty`,
    ]);
  });

  it('names a stray argument', async () => {
    expect(await problems({ argv: ['/etc/ovr.d'] })).toEqual([
      '"/etc/ovr.d": ovrd takes only options: a folder of manifests goes after --manifests',
    ]);
  });

  it.each([
    ['is not there', {}, "/x: cannot be read (ENOENT): check --config and the file's mode"],
    ['is closed', { '/x': 'EACCES' }, "/x: cannot be read (EACCES): check --config and the file's mode"],
    ['is not YAML', { '/x': 'a: [' }, /^\/x:1: is not valid YAML: /],
    [
      'is a list',
      { '/x': '- a' },
      '/x:1: must hold lines of the form "key: value", for example "mode: observe"',
    ],
    ['is huge', { '/x': 'a'.repeat(70_000) }, '/x: is larger than 64 KiB'],
    [
      'says a thing twice',
      { '/x': 'mode: observe\nmode: enforce' },
      '/x:2: mode: is set twice: keep one of the lines',
    ],
    ['has once', { '/x': 'once: true' }, /^\/x:1: once: is not a setting/],
    ['nests', { '/x': 'manifests: [{a: [b]}]' }, '/x:1: manifests: must be a list of plain values'],
  ])('says so when the file %s', async (_name, files: Readonly<Record<string, string>>, expected) => {
    expect(await problems({ argv: ['--config', '/x'], files })).toEqual([
      typeof expected === 'string' ? expected : expect.stringMatching(expected),
    ]);
  });

  it.each([
    ['--docker-host', '/var/run/docker.sock', 'write unix:///var/run/docker.sock'],
    ['--docker-host', 'http://a:1', 'write tcp://a:1'],
    ['--docker-host', 'ssh://a', /ssh is not supported/],
    ['--docker-host', 'tcp://a:1/x', 'write tcp://host:port, without a path'],
    ['--docker-host', 'nonsense', 'write unix:///path/to/docker.sock or tcp://host:port'],
    ['--docker-api-version', '1.21', 'write a version from 1.22 up, for example 1.41'],
    ['--coordinator', 'etcd', 'write local or zk://host:2181,host:2181/path'],
    ['--coordinator', 'zk://a:0/x', /write a:2181/],
    ['--coordinator', 'zk://a:2181', /no path/],
    ['--swarm-discovery', 'consul://a/x', /write it as zk:/],
    ['--swarm-advertise', ':2375', /^--swarm-advertise: ":2375" is not valid: write the address at which/],
    ['--session-timeout', '1s', 'write a duration between 2s and 60s'],
    ['--session-timeout', '61s', 'write a duration between 2s and 60s'],
    ['--node-lost-after', '60', /write a number with a unit/],
    ['--strategy', 'random', 'write spread or binpack'],
    ['--cluster', 'A', /use up to 63 of a-z/],
    ['--cluster', 'a-', /use up to 63 of a-z/],
    ['--node-name', '_a', /use letters, digits/],
    ['--node-label', 'zone', 'write key=value, for example zone=a'],
    ['--listen', ':9469', 'write 0.0.0.0:9469 to listen on all addresses'],
    ['--listen', '127.0.0.1', /write host:port/],
    ['--listen', '1.2.3:1', /write host:port/],
    ['--listen', 'a:65536', /write host:port/],
    ['--socket', `/${'a'.repeat(107)}`, /at most 107 bytes/],
    ['--subnet-pool', '10.64.0.1/10', 'write 10.64.0.0/10: 10.64.0.1 has bits beyond /10'],
    ['--subnet-pool', '10.0.0.0/25', /prefix from \/8 to \/24/],
    ['--subnet-pool', 'fd00::/8', /prefix from \/8 to \/24/],
    ['--resync', '60', /write a number with a unit/],
    ['--resync', '10ms', 'write a duration between 1s and 24h'],
    ['--resync', '25h', 'write a duration between 1s and 24h'],
  ])('refuses %s %s', async (flag, text, expected) => {
    const found = await problems({ argv: [`${flag}=${text}`] });
    expect(found).toHaveLength(1);
    const mend = typeof expected === 'string' ? `${flag}: "${text}" is not valid: ${expected}` : undefined;
    if (mend !== undefined) expect(found[0]).toBe(mend);
    if (typeof expected !== 'string') expect(found[0]).toMatch(expected);
  });

  it.each([
    [
      '--help',
      /^Usage: ovrd \[options\][^]*--manifests <DIR>[^]*\(repeatable; default: \/etc\/ovr.d\)[^]*OVR_/,
    ],
    ['-h', /^Usage: ovrd/],
    ['--version', new RegExp(`^ovrd ${readVersion()}\n$`)],
  ])('answers %s, whatever else is wrong', async (flag, expected) => {
    const loaded = await load({ argv: ['--nonsense', flag], env: { OVR_NONSENSE: '1' } });
    expect('text' in loaded && loaded.text).toMatch(expected);
  });
});

describe('the Docker daemon', () => {
  const certs = { '/c/ca.pem': 'a', '/c/cert.pem': 'b', '/c/key.pem': 'c' };
  const tls = { caFile: '/c/ca.pem', certFile: '/c/cert.pem', keyFile: '/c/key.pem' };
  const host = 'tcp://h:2376';
  it.each([
    ['DOCKER_HOST stands in', { DOCKER_HOST: host }, {}, { host }],
    ['OVR_DOCKER_HOST comes first', { DOCKER_HOST: 'tcp://x:1', OVR_DOCKER_HOST: host }, {}, { host }],
    ['certificates alone do nothing', { DOCKER_HOST: host, DOCKER_CERT_PATH: '/c' }, certs, { host }],
    [
      'TLS that is verified',
      { DOCKER_HOST: host, DOCKER_CERT_PATH: '/c', DOCKER_TLS_VERIFY: '1' },
      certs,
      { host, tls: { ...tls, verify: true } },
    ],
    [
      'TLS that is not',
      { DOCKER_HOST: host, DOCKER_CERT_PATH: '/c', DOCKER_TLS: '1' },
      certs,
      { host, tls: { ...tls, verify: false } },
    ],
    [
      'the home folder has certificates',
      { DOCKER_HOST: host, HOME: '/h', DOCKER_TLS_VERIFY: '1' },
      { '/h/.docker/ca.pem': '' },
      { host, tls: { caFile: '/h/.docker/ca.pem', verify: true } },
    ],
    [
      'a socket never has TLS',
      { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/c' },
      certs,
      { host: 'unix:///var/run/docker.sock' },
    ],
  ])('%s', async (_name, env, files, expected) => {
    expect((await config({ env, files })).docker).toEqual(expected);
  });

  it.each([
    [{ '/c/cert.pem': 'b' }, 'DOCKER_CERT_PATH: /c must hold both cert.pem and key.pem, or neither'],
    [{ '/c/ca.pem': 'EACCES' }, 'DOCKER_CERT_PATH: /c/ca.pem cannot be read (EACCES)'],
  ])('refuses half a set of certificates', async (files: Readonly<Record<string, string>>, expected) => {
    const env = { DOCKER_HOST: host, DOCKER_CERT_PATH: '/c', DOCKER_TLS_VERIFY: '1' };
    expect(await problems({ env, files })).toEqual([expected]);
  });

  it('names the variable whose value is wrong', async () => {
    expect(await problems({ env: { DOCKER_HOST: 'x' } })).toEqual([
      'DOCKER_HOST: "x" is not valid: write unix:///path/to/docker.sock or tcp://host:port',
    ]);
  });
});

describe('the cluster', () => {
  const zk = ['--coordinator', 'zk://a:2181,b:2182/ovr/default'];
  const servers = [
    { host: 'a', port: 2181 },
    { host: 'b', port: 2182 },
  ];
  const swarm = ['--swarm-discovery', 'zk://a:2181,b:2182/swarm'];

  it('is in a ZooKeeper', async () => {
    const argv = [...zk, ...'--session-timeout 4s --node-lost-after 6s --strategy binpack'.split(' ')];
    expect(await config({ argv })).toMatchObject({
      coordinator: { kind: 'zookeeper', servers, root: '/ovr/default', sessionTimeoutMs: 4000 },
      nodeLostAfterMs: 6000,
      strategy: 'binpack',
    });
  });

  it.each(['ovr:a:b\n', 'ovr:secret'])('has the path of the file with the password: %j', async (text) => {
    const loaded = await config({ argv: [...zk, '--zk-auth-file', '/a'], files: { '/a': text } });
    expect(loaded.coordinator).toMatchObject({ authFile: '/a' });
    expect(JSON.stringify(loaded)).not.toContain(text.trim());
  });

  it.each([
    ['the address that is given', ['--swarm-advertise', '10.6.17.13:2375'], '10.6.17.13:2375'],
    ['that of the daemon', ['--docker-host', 'tcp://10.6.17.14:2376'], '10.6.17.14:2376'],
    ["that of the daemon, at Docker's port", ['--docker-host', 'tcp://b'], 'b:2375'],
    ['the given one first', ['--docker-host', 'tcp://b:1', '--swarm-advertise', 'host-a:2'], 'host-a:2'],
  ])('is known to classic Swarm under %s', async (_name, argv, address) => {
    const { swarmDiscovery } = await config({ argv: [...swarm, ...argv] });
    expect(swarmDiscovery).toEqual({ servers, root: '/swarm', address });
  });

  const unreachable =
    /^--swarm-discovery: other machines cannot reach the daemon at .*: add --swarm-advertise/;
  it.each<[string, World, string | RegExp]>([
    [
      'a password without a ZooKeeper',
      { argv: ['--zk-auth-file', '/a'] },
      '--zk-auth-file: is only for ZooKeeper: add --coordinator zk://host:2181/path, or remove it',
    ],
    [
      'a password file that is not there',
      { argv: [...zk, '--zk-auth-file', '/a'] },
      "--zk-auth-file: /a cannot be read (ENOENT): check the path and the file's mode",
    ],
    [
      'a password file with something else',
      { argv: zk, env: { OVR_ZK_AUTH_FILE: '/a' }, files: { '/a': 'secret\n' } },
      'OVR_ZK_AUTH_FILE: /a must hold one line: user:password',
    ],
    [
      'a node that is given up too soon',
      { argv: zk, files: { [FILE]: 'session-timeout: 30s\nnode-lost-after: 31s\n' } },
      `${FILE}:2: node-lost-after: 31s is too short for a session timeout of 30s: write at least 32s, so that a node that was cut off has stopped its containers before others start them`,
    ],
    [
      'an address without classic Swarm',
      { argv: ['--swarm-advertise', 'a:1'] },
      '--swarm-advertise: is only for --swarm-discovery: add that, or remove it',
    ],
    ['classic Swarm with a daemon on a socket', { argv: swarm }, unreachable],
    [
      'classic Swarm with a daemon on loopback',
      { argv: [...swarm, '--docker-host', 'tcp://127.0.0.1:1'] },
      unreachable,
    ],
  ])('refuses %s', async (_name, world, expected) => {
    expect(await problems(world)).toEqual([
      typeof expected === 'string' ? expected : expect.stringMatching(expected),
    ]);
  });

  it('repeats no password', async () => {
    expect(await problems({ argv: ['--coordinator', 'zk://ovr:p/w:x@a:2181/x'] })).toEqual([
      '--coordinator: "zk://***@a:2181/x" is not valid: credentials in the address: put user:password in a file of their own instead',
    ]);
  });

  it.each([
    ['--coordinator etcd --zk-auth-file /a'],
    ['--swarm-discovery etcd --swarm-advertise a:1'],
    ['--swarm-discovery zk://a:2181/x --swarm-advertise a'],
    ['--coordinator zk://a:2181/x --session-timeout 99s --node-lost-after 2s'],
  ])('names only the mistake itself: %s', async (line) => {
    expect(await problems({ argv: line.split(' ') })).toHaveLength(1);
  });
});

describe('variables', () => {
  it('come from everywhere', async () => {
    const argv = ['--var', 'A=1', '--var=b_2=x=y, z', '--var', 'C='];
    expect((await config({ argv, env: { OVR_VAR_FILE: '/a,/b' } })).variables).toEqual({
      values: { A: '1', b_2: 'x=y, z', C: '' },
      files: ['/a', '/b'],
    });
    const files = { [FILE]: 'var: {A: 1.30, B: "x"}\nvar-file: [/a]\n' };
    expect((await config({ files })).variables).toEqual({ values: { A: '1.30', B: 'x' }, files: ['/a'] });
    expect((await config({ env: { OVR_VAR: 'A=1, B=2' } })).variables.values).toEqual({ A: '1', B: '2' });
  });

  it.each([
    ['no name', ['--var', '=geheim'], /^--var: "=…" is not valid: write NAME=VALUE/],
    ['no =', ['--var', 'geheim'], /^--var: "…" is not valid: write NAME=VALUE/],
    ['another name', ['--var', 'A-B=geheim'], /^--var: "A-B=…" is not valid: write NAME=VALUE/],
    ['one twice', ['--var', 'A=1', '--var', 'A=geheim'], /^--var: "A=…" is not valid: it is there twice/],
    ['a long one', ['--var', `A=geheim${'x'.repeat(8192)}`], /^--var: "A=…" is not valid: .*8 KiB/],
    ['a bell', ['--var', 'A=geheim\u0007'], /^--var: "A=…" is not valid: .*control/],
  ])('with %s are refused, and the value is not shown', async (_, argv, expected) => {
    const found = await problems({ argv });
    expect(found).toEqual([expect.stringMatching(expected)]);
    expect(found.join()).not.toContain('geheim');
  });

  it('are all that ovr wants to know when it reads manifests', async () => {
    const readFile = readFrom({ [FILE]: 'mode: nonsense\nvar: [A=1]\n' });
    const loaded = await loadVariables({ flags: new Map(), env: { OVR_NONSENSE: 'x' }, readFile });
    expect(loaded).toEqual({ ok: true, config: { values: { A: '1' }, files: [] } });
    const wrong = await loadVariables({ flags: new Map([['variables' as const, ['A']]]), env: {}, readFile });
    expect(wrong.ok).toBe(false);
  });
});

describe('loadClientConfig', () => {
  it("takes its own settings out of the agent's file", async () => {
    const readFile = readFrom({ [FILE]: 'socket: /s\nmode: nonsense\ncluster: c\n' });
    const loaded = await loadClientConfig({ flags: new Map(), env: { OVR_MODE: 'x' }, readFile });
    expect(loaded.ok && loaded.config).toMatchObject({ socket: '/s', cluster: 'c' });
  });

  it("does without the agent's file where it may not read it", async () => {
    const readFile = readFrom({ [FILE]: 'EACCES' });
    expect((await loadClientConfig({ flags: new Map(), env: {}, readFile })).ok).toBe(true);
  });

  it.each([
    ['http://10.6.17.13:9469', 'http://10.6.17.13:9469'],
    ['http://n1:9469/', 'http://n1:9469'],
  ])('takes the address of a server: %s', async (text, expected) => {
    const flags = new Map([['server' as const, [text]]]);
    const loaded = await loadClientConfig({ flags, env: {}, readFile: readFrom({}) });
    expect(loaded.ok && loaded.config.server).toBe(expected);
  });

  it.each(['10.6.17.13:9469', 'https://a', 'http://a/x'])('refuses %s', async (text) => {
    const flags = new Map([['server' as const, [text]]]);
    const loaded = await loadClientConfig({ flags, env: {}, readFile: readFrom({}) });
    expect('problems' in loaded && loaded.problems[0]).toMatch(/^--server: ".*" is not valid: write http:/);
  });
});
