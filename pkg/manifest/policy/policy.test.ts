import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { POLICY_CODES, assemble, checkPolicy, parseManifest, parsePolicy, type Policy } from '../index.ts';
import { splitImage } from '../value/index.ts';

const page = readFileSync(new URL('../../../docs/ci.md', import.meta.url), 'utf8');

function policyOf(...rules: string[]): Policy {
  const lines = rules.map((rule) => `  - {${rule}}\n`).join('');
  const { policy, diagnostics } = parsePolicy(
    `apiVersion: ovr/v1\nkind: Policy\nrules:\n${lines}`,
    'policy.yaml',
  );
  expect(diagnostics).toEqual([]);
  return policy ?? { rules: [] };
}

function mistakes(text: string): string[] {
  const { policy, diagnostics } = parsePolicy(text, 'p');
  expect(policy).toBeUndefined();
  return diagnostics.map(({ line, column, severity, code }) => `${line}:${column} ${severity} ${code}`);
}

/** What a policy of one rule finds in a manifest: severity, code and the object. */
function breaches(rule: string, manifest: string): string[] {
  const parsed = parseManifest(manifest, 'x.yaml');
  expect(parsed.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  const { objects } = assemble([{ file: 'x.yaml', ...parsed }]).revision;
  return checkPolicy(policyOf(rule), objects.values()).map(
    ({ severity, code, line, message }) => `${line} ${severity} ${code} ${message.split(':', 1).join('')}`,
  );
}

const container = (spec: string, name = 'web', labels = '{}'): string =>
  `apiVersion: ovr/v1\nkind: Container\nmetadata: {name: ${name}, labels: ${labels}}\nspec: {image: nginx:1.27, ${spec}}\n`;
const network = (spec: string): string =>
  `apiVersion: ovr/v1\nkind: Network\nmetadata: {name: ovr0}\nspec: {${spec}}\n`;
const image = (reference: string): string => container('').replace('nginx:1.27', `"${reference}"`);

describe('a rule', () => {
  const rules: [rule: string, fine: string[], broken: string[]][] = [
    [
      'rule: labels-required, action: deny, labels: [team]',
      [container('', 'web', '{team: a}')],
      [container(''), container('', 'web', '{team: ""}'), container('', 'web', '{toString: a}'), network('')],
    ],
    [
      'rule: labels-required, action: deny, labels: [constructor], kinds: [Container]',
      [network(''), container('', 'web', '{constructor: a}')],
      [container('')],
    ],
    [
      'rule: fields-required, action: deny, fields: [Container.healthcheck]',
      [container('healthcheck: {test: x}'), network('')],
      [container('')],
    ],
    [
      'rule: fields-required, action: deny, fields: [Container.nodeConstraint]',
      [container('nodeConstraint: node==a1')],
      [container(''), container('nodeConstraint: []')],
    ],
    [
      'rule: fields-required, action: deny, fields: [Container.resources.limits.memory, Network.ipam.subnet]',
      [container('resources: {limits: {memory: 64Mi}}'), network('ipam: {subnet: 10.0.9.0/24}')],
      [container('resources: {limits: {cpu: "1"}}'), network('')],
    ],
    [
      'rule: fields-required, action: deny, fields: [Network.encrypted]',
      [network('encrypted: true')],
      [network('encrypted: false'), network('')],
    ],
    [
      'rule: fields-forbidden, action: deny, fields: [Container.capAdd, Container.devices]',
      [container(''), container('capAdd: []'), container('capDrop: [ALL]')],
      [container('capAdd: [NET_ADMIN]'), container('devices: [/dev/null]')],
    ],
    [
      'rule: registries-allowed, action: deny, registries: [docker.io/library, registry.example.org/team/]',
      ['nginx', 'nginx:1.27', 'docker.io/library/nginx', 'index.docker.io/library/nginx']
        .map(image)
        .concat(image('registry.example.org/team/app@sha256:' + 'a'.repeat(64))),
      ['grafana/loki', 'docker.io/grafana/loki', 'registry.example.org/teams/app', 'localhost:5000/nginx']
        .concat('registry.example.org.evil.org/team/app', `sha256:${'a'.repeat(64)}`)
        .map(image),
    ],
    [
      'rule: registries-allowed, action: deny, registries: [index.docker.io, localhost:5000]',
      ['nginx', 'grafana/loki', 'localhost:5000/nginx'].map(image),
      ['quay.io/nginx', 'localhost/nginx'].map(image),
    ],
    [
      'rule: image-pinned, action: deny',
      [
        'nginx:1.27',
        'localhost:5000/nginx:1',
        `nginx@sha256:${'a'.repeat(64)}`,
        `sha256:${'a'.repeat(64)}`,
      ].map(image),
      ['nginx', 'nginx:latest', 'localhost:5000/nginx'].map(image),
    ],
    [
      'rule: image-pinned, action: deny, by: digest',
      [image(`nginx:1.27@sha256:${'a'.repeat(64)}`)],
      ['nginx:1.27', 'nginx'].map(image),
    ],
    [
      'rule: host-ports, action: deny, from: 1024',
      [container('ports: ["8080:80", "80", "1024:80"]')],
      [container('ports: ["80:80"]'), container('ports: ["127.0.0.1:1023:80"]')],
    ],
    [
      'rule: host-paths-forbidden, action: deny, paths: [/var/run/docker.sock, /etc]',
      [container('volumes: ["/srv/a:/a", "etc:/etc", "/etcetera:/b"]')],
      ['/var/run/docker.sock', '/var/run', '/', '/etc/passwd', '/etc'].map((path) =>
        container(`volumes: ["${path}:/x"]`),
      ),
    ],
    [
      'rule: host-paths-forbidden, action: deny, paths: [/]',
      [container('volumes: ["data:/a"]')],
      [container('volumes: ["/srv:/a"]')],
    ],
  ];
  it.each(rules)('%s', (rule, fine, broken) => {
    const code = `policy-${/rule: ([a-z-]+)/.exec(rule)?.[1] ?? ''}`;
    for (const manifest of fine) expect(breaches(rule, manifest), manifest).toEqual([]);
    for (const manifest of broken) {
      const key = manifest.includes('kind: Network') ? 'Network/ovr0' : 'Container/web';
      expect(breaches(rule, manifest), manifest).toEqual([`1 error ${code} ${key}`]);
    }
  });

  it('warns where it says so', () => {
    expect(breaches('rule: image-pinned, action: warn', image('nginx'))).toEqual([
      '1 warning policy-image-pinned Container/web',
    ]);
  });

  it.each([
    ['Container/web', ['Container/web-2', 'Container/edge']],
    ['Container/web*', ['Container/edge']],
    ['Network/web*', ['Container/web', 'Container/web-2', 'Container/edge']],
  ])('passes over %s', (exception, left) => {
    const three = ['web', 'web-2', 'edge'].map((name) => container('', name)).join('---\n');
    const found = breaches(
      `rule: labels-required, action: deny, labels: [team], except: ["${exception}"]`,
      three,
    );
    expect(found.map((line) => line.split(' ')[3]).sort()).toEqual(left.sort());
  });

  it('names what is missing or too much, and the object, in one line', () => {
    const policy = policyOf('rule: host-ports, action: deny, from: 1024, to: 2000');
    const parsed = parseManifest(container('ports: ["80:80"]'), 'x.yaml');
    expect(checkPolicy(policy, parsed.objects)).toEqual([
      {
        code: 'policy-host-ports',
        severity: 'error',
        file: 'x.yaml',
        line: 1,
        column: 1,
        message: 'Container/web: spec.ports: host port 80 is outside 1024 to 2000; choose another one',
      },
    ]);
  });
});

describe('a policy file with mistakes', () => {
  const head = 'apiVersion: ovr/v1\nkind: Policy\n';
  const rule = (text: string): string => `${head}rules:\n  - {${text}}\n`;
  const table: [what: string, text: string, found: string[]][] = [
    ['nothing', '', ['1:1 error document-not-map']],
    [
      'a manifest',
      network(''),
      [
        '2:7 error value-unknown',
        '1:1 error field-missing',
        '3:1 error field-unknown',
        '4:1 error field-unknown',
      ],
    ],
    ['no rules', head, ['1:1 error field-missing']],
    ['broken YAML', `${head}rules: [`, ['3:9 error yaml-syntax']],
    [
      'two documents',
      `${rule('rule: image-pinned, action: deny')}---\n${head}`,
      ['1:1 error too-many-documents'],
    ],
    ['a rule that is no map', `${head}rules: [deny]\n`, ['3:9 error value-type']],
    ['a rule without a name', rule('action: deny'), ['4:5 error field-missing']],
    ['an unknown rule', rule('rule: image-pined, action: deny'), ['4:12 error value-unknown']],
    ['no action', rule('rule: image-pinned'), ['4:5 error field-missing']],
    ['an unknown action', rule('rule: image-pinned, action: allow'), ['4:34 error value-unknown']],
    ['an unknown field', rule('rule: image-pinned, action: deny, tag: 1'), ['4:40 error field-unknown']],
    [
      'nothing required',
      rule('rule: labels-required, action: deny, labels: []'),
      ['4:51 error value-invalid'],
    ],
    [
      'a field that does not exist',
      rule('rule: fields-required, action: deny, fields: [Container.healthchek]'),
      ['4:52 error value-unknown'],
    ],
    [
      'a port that does not exist',
      rule('rule: host-ports, action: deny, from: 70000'),
      ['4:44 error value-range'],
    ],
    [
      'a registry that is none',
      rule('rule: registries-allowed, action: deny, registries: ["https://a"]'),
      ['4:59 error value-invalid'],
    ],
    [
      'a path that is relative',
      rule('rule: host-paths-forbidden, action: deny, paths: [etc]'),
      ['4:56 error value-invalid'],
    ],
    [
      'an exception that is none',
      rule('rule: image-pinned, action: deny, except: [web]'),
      ['4:49 error value-invalid'],
    ],
    [
      'the same key twice',
      `${rule('rule: image-pinned, action: deny')}rules: []\n`,
      ['5:1 error key-duplicate'],
    ],
    ['an alias bomb', `${head}rules: &a [*a]\n`, ['3:12 error yaml-alias']],
    ['too much', `${head}rules: []\n#${'x'.repeat(70_000)}`, ['1:1 error document-too-large']],
  ];
  it.each(table)('%s', (_, text, found) => {
    expect(mistakes(text).sort()).toEqual([...found].sort());
  });

  it('is answered without an exception whatever it holds', () => {
    const parts = fc.constantFrom(
      'rules:',
      ' - ',
      '{',
      '}',
      'rule: image-pinned',
      ', ',
      'action: deny',
      '\n',
      '[',
      ': ',
      '&a',
      '*a',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 20 }), (texts) => {
        const { policy, diagnostics } = parsePolicy(head + texts.join(''), 'p');
        expect(policy === undefined).toBe(diagnostics.length > 0);
      }),
    );
  });
});

describe('splitImage', () => {
  it.each([
    ['nginx', 'docker.io/library/nginx', undefined],
    ['nginx:1.27', 'docker.io/library/nginx', '1.27'],
    ['grafana/loki:3', 'docker.io/grafana/loki', '3'],
    ['localhost/app', 'localhost/app', undefined],
    ['localhost:5000/app', 'localhost:5000/app', undefined],
    ['registry.example.org/a/b:c', 'registry.example.org/a/b', 'c'],
  ])('%s', (text, repository, tag) => {
    expect(splitImage(text)).toEqual({ repository, hasDigest: false, ...(tag === undefined ? {} : { tag }) });
  });
});

describe('docs/ci.md', () => {
  it('lists every rule with its code', () => {
    const listed = [...page.matchAll(/^\| `(policy-[a-z-]+)` \|/gm)].map(([, code]) => code);
    expect(listed.sort()).toEqual([...POLICY_CODES].sort());
  });

  it('has a policy that is one', () => {
    const text = /```yaml\n(apiVersion: ovr\/v1\nkind: Policy\n.*?)```/s.exec(page)?.[1] ?? '';
    const { policy, diagnostics } = parsePolicy(text, 'docs/ci.md');
    expect(diagnostics).toEqual([]);
    expect(new Set(policy?.rules.map(({ rule }) => `policy-${rule}`))).toEqual(new Set(POLICY_CODES));
  });
});
