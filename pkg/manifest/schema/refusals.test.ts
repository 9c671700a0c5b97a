import { describe, expect, it } from 'vitest';
import { parseManifest } from '../index.ts';

function container(spec: string, name = 'web'): string {
  return `apiVersion: ovr/v1\nkind: Container\nmetadata: {name: ${name}}\nspec:\n  image: nginx\n${spec.replaceAll(/^/gm, '  ')}\n`;
}

function network(spec: string): string {
  return `apiVersion: ovr/v1\nkind: Network\nmetadata: {name: ovr0}\nspec: ${spec}\n`;
}

/** The problems as `line:column code`. */
function problems(text: string): string[] {
  return parseManifest(text, 'x.yaml').diagnostics.map(
    ({ line, column, code }) => `${line}:${column} ${code}`,
  );
}

describe('refusals in a container', () => {
  const table: [spec: string, problem: string][] = [
    ['networks: [none]', '6:14 network-mode-unsupported'],
    ['networks: [{name: "container:x"}]', '6:21 network-mode-unsupported'],
    ['networks: [default]', '6:14 network-mode-unsupported'],
    ['networks: [bridge, ovr0]', '6:14 network-invalid'],
    ['networks: [{name: bridge, ipv4Address: 172.17.0.9}]', '6:14 network-invalid'],
    ['networks: ["-x"]', '6:14 name-invalid'],
    ['networks: ovr0', '6:13 value-type'],
    ['networks: [1]', '6:14 value-type'],
    ['networks: [{aliases: [a]}]', '6:14 field-missing'],
    ['networks: [{name: a, aliases: [a..b]}]', '6:34 alias-invalid'],
    ['networks: [{name: a, aliases: ["a-"]}]', '6:34 alias-invalid'],
    [`networks: [{name: a, aliases: [${'x'.repeat(64)}]}]`, '6:34 alias-invalid'],
    ['networks: [{name: a, ipv4Address: "fd00::1"}]', '6:37 address-invalid'],
    ['networks: [{name: a, ipv4Address: 10.0.9.010}]', '6:37 address-invalid'],
    ['networks: [{name: a, ipv4Address: 10.0.9.10/24}]', '6:37 address-invalid'],
    ['env: [{name: A, value: b, valueFrom: {file: /x}}]', '6:9 env-invalid'],
    ['env: [{name: "A=b", value: b}]', '6:16 env-invalid'],
    ['env: [{name: A, valueFrom: {file: x}}]', '6:37 env-invalid'],
    ['env: [A=b]', '6:9 value-type'],
    ['env: [{name: A, value: true}]', '6:26 value-unquoted'],
    ['volumes: [/data]', '6:13 volume-invalid'],
    ['volumes: ["/a:b"]', '6:13 volume-invalid'],
    ['volumes: ["/a:/"]', '6:13 volume-invalid'],
    ['volumes: ["/a/../b:/c"]', '6:13 volume-invalid'],
    ['volumes: ["~/a:/c"]', '6:13 volume-invalid'],
    ['volumes: ["a/b:/c"]', '6:13 volume-invalid'],
    ['volumes: ["/a:/c:rw,ro"]', '6:13 volume-invalid'],
    ['volumes: ["/a:/c:nocopy"]', '6:13 volume-invalid'],
    ['volumes: ["data:/c:shared"]', '6:13 volume-invalid'],
    ['volumes: ["/a:/c:constructor"]', '6:13 volume-invalid'],
    ['ports: ["[::1]:80:80"]', '6:11 port-invalid'],
    ['ports: ["0:80"]', '6:11 port-invalid'],
    ['ports: [":80"]', '6:11 port-invalid'],
    ['ports: ["80:"]', '6:11 port-invalid'],
    ['ports: ["80/icmp"]', '6:11 port-invalid'],
    ['ports: ["80/tcp/tcp"]', '6:11 port-invalid'],
    ['ports: ["localhost:80:80"]', '6:11 port-invalid'],
    ['ports: ["1:2:3:4"]', '6:11 port-invalid'],
    ['ports: ["9-8:9-8"]', '6:11 port-invalid'],
    ['ports: ["1-60000:1-60000"]', '6:10 port-invalid'],
    ['ports: ["8000-8005:80"]', '6:11 port-invalid'],
    ['ports: [{containerPort: 80}]', '6:11 value-type'],
    ['ports: ["80:80", "0.0.0.0:80:81"]', '6:10 port-duplicate'],
    ['ports: [80.5]', '6:11 port-invalid'],
    ['restartPolicy: Always', '6:18 value-unknown'],
    ['restartPolicy: always:3', '6:18 value-unknown'],
    ['restartPolicy: on-failure:-1', '6:18 value-unknown'],
    ['restartPolicy: false', '6:18 value-unquoted'],
    ['resources: {limits: {cpu: "0"}}', '6:29 quantity-invalid'],
    ['resources: {limits: {cpu: -1}}', '6:29 quantity-invalid'],
    ['resources: {limits: {cpu: 1m}}', '6:29 quantity-invalid'],
    ['resources: {limits: {memory: 1Mi}}', '6:32 quantity-invalid'],
    ['resources: {limits: {memory: 1Zi}}', '6:32 quantity-invalid'],
    ['resources: {limits: {memory: .inf}}', '6:32 value-type'],
    ['resources: {requests: {memory: 1Gi}, limits: {memory: 512Mi}}', '6:34 resources-invalid'],
    ['healthcheck: {}', '6:3 field-missing'],
    ['healthcheck: {test: []}', '6:23 value-invalid'],
    ['healthcheck: {test: ""}', '6:23 value-invalid'],
    ['healthcheck: {test: [CMD]}', '6:23 value-invalid'],
    ['healthcheck: {test: [CMD-SHELL, a, b]}', '6:23 value-invalid'],
    ['healthcheck: {test: [NONE, x]}', '6:23 value-invalid'],
    ['healthcheck: {test: a, retries: 0}', '6:35 value-range'],
    ['healthcheck: {test: a, retries: 1.5}', '6:35 value-type'],
    ['healthcheck: {test: a, interval: 0s}', '6:36 duration-invalid'],
    ['healthcheck: {test: a, interval: 10}', '6:36 value-type'],
    ['stopGracePeriod: 1d', '6:20 duration-invalid'],
    ['stopGracePeriod: 9000h', '6:20 duration-invalid'],
    ['stopSignal: SIGFOO', '6:15 value-invalid'],
    ['tmpfs: [tmp]', '6:11 value-invalid'],
    ['tmpfs: [/]', '6:11 value-invalid'],
    ['tmpfs: ["/a:"]', '6:11 value-invalid'],
    ['ulimits: [nofile]', '6:13 value-invalid'],
    ['ulimits: ["nofile=2:1"]', '6:13 value-invalid'],
    ['ulimits: ["nofile=-1:5"]', '6:13 value-invalid'],
    ['ulimits: [{name: files, soft: 1}]', '6:13 value-invalid'],
    ['ulimits: [{name: nofile}]', '6:13 field-missing'],
    ['sysctls: {net.core.somaxconn: 1024}', '6:33 value-unquoted'],
    ['sysctls: {"": x}', '6:13 value-invalid'],
    ['dns: [dns.example.com]', '6:9 value-invalid'],
    ['dnsSearch: ["a b"]', '6:15 value-invalid'],
    ['extraHosts: [db]', '6:16 value-invalid'],
    ['extraHosts: ["db:x"]', '6:16 value-invalid'],
    ['devices: [dev/fuse]', '6:13 value-invalid'],
    ['devices: ["/dev/a:/dev/b:rr"]', '6:13 value-invalid'],
    ['securityOpt: ["seccomp=/etc/profile.json"]', '6:17 value-invalid'],
    ['hostname: -x', '6:13 value-invalid'],
    ['workingDir: srv', '6:15 value-invalid'],
    ['user: ""', '6:9 value-invalid'],
    ['user: 1000', '6:9 value-unquoted'],
    ['init: "true"', '6:9 value-type'],
    ['logging: {options: {}}', '6:3 field-missing'],
    ['command: sh', '6:12 value-type'],
    ['args: [1]', '6:10 value-unquoted'],
    ['nodeConstraint: []\nprivileged: true', '7:3 field-unknown'],
    ['nodeConstraint: [node==a, nope]', '6:29 constraint-invalid'],
    ['nodeConstraint: ""', '6:19 constraint-invalid'],
    ['nodeConstraint: "node==\\e[31m"', '6:19 constraint-invalid'],
    ['labels: {ovr.cluster: x}', '6:12 label-reserved'],
    ['labels: [a]', '6:11 value-type'],
    ['"constructor": x', '6:3 field-unknown'],
    ['reschedule: on-node-failur', '6:15 value-unknown'],
    ['reschedule: true', '6:15 value-unquoted'],
    ['dependsOn: db', '6:14 value-type'],
    ['dependsOn: [db, {name: db}]', '6:19 dependency-duplicate'],
    ['dependsOn: [{name: db, condition: Helthy}]', '6:37 value-unknown'],
    ['dependsOn: [{kind: Network, name: db}]', '6:22 value-unknown'],
    ['dependsOn: [{condition: Healthy}]', '6:15 field-missing'],
    ['dependsOn: ["no name"]', '6:15 name-invalid'],
    ['updateStrategy: StartFrist', '6:19 value-unknown'],
    ['updateStrategy: {type: StartFirst, drain: 10}', '6:45 value-type'],
    ['updateStrategy: {drain: 10s}', '6:3 field-missing'],
    ['updateStrategy: {type: StartFirst, drains: 1s}', '6:38 field-unknown'],
    ['ports: ["8001:80"]\nupdateStrategy: StartFirst', '7:19 strategy-conflict'],
    [
      'networks: [{name: a, ipv4Address: 10.0.0.2}]\nupdateStrategy: {type: StartFirst}',
      '7:19 strategy-conflict',
    ],
  ];
  it.each(table)('%s: %s', (spec, problem) => {
    expect(problems(container(spec))).toEqual([problem]);
  });
});

describe('refusals in a network', () => {
  const table: [spec: string, problem: string][] = [
    ['{driver: host}', '4:16 value-unknown'],
    ['{driver: bridge, encrypted: true}', '4:35 option-conflict'],
    ['{mtu: 1450, options: {com.docker.network.driver.mtu: "1400"}}', '4:60 option-conflict'],
    ['{encrypted: true, options: {encrypted: ""}}', '4:46 option-conflict'],
    ['{mtu: "1450"}', '4:13 value-type'],
    ['{mtu: 70000}', '4:13 value-range'],
    ['{ipam: {}}', '4:8 field-missing'],
    ['{ipam: {subnet: 10.0.9.0}}', '4:23 subnet-invalid'],
    ['{ipam: {subnet: 10.0.9.0/31}}', '4:23 subnet-invalid'],
    ['{ipam: {subnet: 10.0.9.0/30}}', '4:23 subnet-invalid'],
    ['{ipam: {subnet: 0.0.0.0/8}}', '4:23 subnet-invalid'],
    ['{ipam: {subnet: 127.0.0.0/16}}', '4:23 subnet-invalid'],
    ['{ipam: {subnet: 239.0.0.0/24}}', '4:23 subnet-invalid'],
    ['{ipam: {subnet: "fd00::/64"}}', '4:23 subnet-invalid'],
    ['{ipam: {subnet: 10.0.0.0/7}}', '4:23 subnet-invalid'],
    ['{ipam: {subnet: 10.0.9.0/24, gateway: 10.0.9.0}}', '4:45 address-invalid'],
    ['{ipam: {subnet: 10.0.9.0/24, gateway: 10.0.9.255}}', '4:45 address-invalid'],
    ['{ipam: {subnet: 10.0.9.0/24, ipRange: 10.0.8.0/22}}', '4:45 subnet-invalid'],
    ['{ipam: {subnet: 10.0.9.0/24, ipRange: 10.0.9.1/25}}', '4:45 subnet-invalid'],
    ['{labels: {ovr.name: x}}', '4:17 label-reserved'],
    ['{options: {parent: 1}}', '4:26 value-unquoted'],
  ];
  it.each(table)('%s: %s', (spec, problem) => {
    expect(problems(network(spec))).toEqual([problem]);
  });

  it('takes a /30 where only one host is on it', () => {
    expect(problems(network('{driver: bridge, ipam: {subnet: 10.0.9.0/30}}'))).toEqual([]);
  });
});

describe('names', () => {
  const named = (kind: string, name: string): string =>
    `apiVersion: ovr/v1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: {${kind === 'Container' ? 'image: x' : ''}}\n`;
  it.each([
    ['Container', 'ab', []],
    ['Container', 'a', ['3:18 name-invalid']],
    ['Container', '_a', ['3:18 name-invalid']],
    ['Container', '"a b"', ['3:18 name-invalid']],
    ['Container', 'a/b', ['3:18 name-invalid']],
    ['Container', '""', ['3:18 name-invalid']],
    ['Container', '12', ['3:18 value-unquoted']],
    ['Container', 'web.ovr-old', ['3:18 name-reserved']],
    ['Container', 'web.ovr-new', ['3:18 name-reserved']],
    ['Container', 'web.ovr-aside', ['3:18 name-reserved']],
    ['Container', 'x'.repeat(63), []],
    ['Container', 'x'.repeat(64), ['3:18 name-long']],
    ['Container', 'x'.repeat(256), ['3:18 name-invalid']],
    ['Container', 'host', []],
    ['Network', 'n', []],
    ['Network', '-n', ['3:18 name-invalid']],
    ['Network', 'host', ['3:18 name-reserved']],
    ['Network', 'docker_gwbridge', ['3:18 name-reserved']],
  ])('%s %s', (kind, name, expected) => {
    expect(problems(named(kind, name))).toEqual(expected);
  });
});

describe('suggestions', () => {
  const table: [spec: string, suggestion: string][] = [
    ['imge: x', 'did you mean image?'],
    ['imagePulPolicy: x', 'did you mean imagePullPolicy?'],
    ['cap_add: [ALL]', 'did you mean capAdd?'],
    ['restart: always', 'did you mean restartPolicy?'],
    ['environment: []', 'did you mean env?'],
    ['entrypoint: [x]', 'did you mean command?'],
    ['networks: [{name: a, alias: [b]}]', 'did you mean aliases?'],
    ['imagePullPolicy: always', 'did you mean Always?'],
    ['restartPolicy: Never', 'did you mean no?'],
    ['capAdd: [SYS_ADMN]', 'did you mean SYS_ADMIN?'],
    ['zzzzzz: 1', 'known: image, imagePullPolicy,'],
  ];
  it.each(table)('%s: %s', (spec, suggestion) => {
    expect(parseManifest(container(spec), 'x.yaml').diagnostics[0]?.message).toContain(suggestion);
  });

  it('names the kind that was meant', () => {
    const message = (kind: string): string | undefined =>
      parseManifest(`apiVersion: ovr/v1\nkind: ${kind}\n`, 'x.yaml').diagnostics[0]?.message;
    expect(message('container')).toContain('did you mean Container?');
    expect(message('List')).toContain('--- between them');
    expect(message('Volume')).toContain('known: Network, Container, Alias');
  });
});
