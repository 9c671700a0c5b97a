import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assemble, parseManifest, type NamedFile, type Revision } from '../index.ts';

function file(name: string, ...documents: string[]): NamedFile {
  const parsed = parseManifest(documents.join('---\n'), name);
  expect(parsed.diagnostics).toEqual([]);
  return { file: name, ...parsed };
}

function network(name: string, spec = '{}'): string {
  return `apiVersion: ovr/v1\nkind: Network\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
}

function container(name: string, spec = ''): string {
  return `apiVersion: ovr/v1\nkind: Container\nmetadata: {name: ${name}}\nspec:\n  image: x\n${spec.replaceAll(/^(?=.)/gm, '  ')}\n`;
}

const subnet = (cidr: string): string => `{ipam: {subnet: ${cidr}}}`;
const pin = (address: string, more = ''): string =>
  `networks: [{name: ovr0, ipv4Address: ${address}}]\n${more}`;

interface Summary {
  readonly objects: readonly string[];
  readonly undecided: readonly string[];
  readonly problems: readonly string[];
}

function summary(files: readonly NamedFile[], previous?: Revision): Summary {
  const { revision, diagnostics } = assemble(files, previous);
  return {
    objects: [...revision.objects.keys()],
    undecided: [...revision.undecided],
    problems: diagnostics.map((found) => `${found.file}:${found.line}:${found.column} ${found.code}`),
  };
}

function alias(name: string, spec: string): string {
  return `apiVersion: ovr/v1\nkind: Alias\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
}

function labelled(name: string, networks: string): string {
  return `apiVersion: ovr/v1\nkind: Container\nmetadata: {name: ${name}, labels: {app: web}}\nspec: {image: x, networks: ${networks}}\n`;
}

describe('an alias', () => {
  const net = network('ovr0');
  const web = labelled('web-1', '[ovr0]');
  const nginx = alias('nginx', '{network: ovr0, selector: {app: web}}');
  const rows: [string, string[], string[], string[]][] = [
    ['stands beside its holders', [net, web, nginx], ['Alias/nginx', 'Container/web-1', 'Network/ovr0'], []],
    [
      'may share its name with one on another network',
      [
        net,
        network('ovr1'),
        labelled('web-1', '[ovr0, ovr1]'),
        nginx,
        alias('nginx-1', '{name: nginx, network: ovr1, selector: {app: web}}'),
      ],
      ['Alias/nginx', 'Alias/nginx-1', 'Container/web-1', 'Network/ovr0', 'Network/ovr1'],
      [],
    ],
    [
      'and another one that fights for its name: neither counts',
      [net, web, nginx, alias('other', '{name: NGINX, network: ovr0, selector: {app: web}}')],
      ['Container/web-1', 'Network/ovr0'],
      ['x.yaml:13:18 alias-conflict', 'x.yaml:18:18 alias-conflict'],
    ],
    [
      'cannot have the name of a container',
      [net, labelled('Nginx', '[ovr0]'), nginx],
      ['Container/Nginx', 'Network/ovr0'],
      ['x.yaml:13:18 alias-conflict'],
    ],
    [
      'cannot have the fixed alias of a container',
      [net, labelled('web-1', '[{name: ovr0, aliases: [nginx]}]'), nginx],
      ['Container/web-1', 'Network/ovr0'],
      ['x.yaml:13:18 alias-conflict'],
    ],
    [
      'on a network that a chosen container is not on',
      [net, web, labelled('web-2', '[bridge]'), nginx],
      ['Alias/nginx', 'Container/web-1', 'Container/web-2', 'Network/ovr0'],
      ['x.yaml:19:17 alias-unattached'],
    ],
    [
      'that chooses nobody',
      [net, web, alias('nginx', '{network: ovr0, selector: {app: web, track: red}}')],
      ['Alias/nginx', 'Container/web-1', 'Network/ovr0'],
      ['x.yaml:13:18 alias-unheld'],
    ],
  ];
  it.each(rows)('%s', (_, documents, objects, problems) => {
    expect(summary([file('x.yaml', ...documents)])).toMatchObject({ objects, problems });
  });

  it('names both sides of a fight, and is undecided until it is over', () => {
    const { revision, diagnostics } = assemble([
      file('a.yaml', net, web, nginx),
      file('b.yaml', alias('other', '{name: nginx, network: ovr0, selector: {app: web}}')),
    ]);
    expect([...revision.undecided]).toEqual(['Alias/nginx', 'Alias/other']);
    expect(diagnostics.map(({ message }) => message)).toEqual([
      'nginx on ovr0 is the name of Alias/other (b.yaml:3) too; give one of them another name (until then neither counts)',
      'nginx on ovr0 is the name of Alias/nginx (a.yaml:13) too; give one of them another name (until then neither counts)',
    ]);
  });
});

describe('a revision', () => {
  it('holds the objects of all files by key, whatever their order', () => {
    const files = [file('b.yaml', container('b1'), network('n')), file('a.yaml', container('a1'))];
    const { revision, diagnostics } = assemble(files);
    expect([...revision.objects.keys()]).toEqual(['Container/a1', 'Container/b1', 'Network/n']);
    expect(diagnostics).toEqual([]);
    expect(assemble([...files].reverse()).revision).toEqual(revision);
  });

  it('has a digest that changes exactly with the meaning', () => {
    const digest = (...documents: string[]): string =>
      assemble([file('x.yaml', ...documents)]).revision.digest;
    expect(digest(network('a'), network('b'))).toBe(digest(network('b'), `# moved\n${network('a')}`));
    expect(digest(network('a'))).not.toBe(digest(network('a'), network('b')));
    expect(digest(network('a'))).not.toBe(digest(network('a', '{mtu: 1400}')));
    expect(digest()).not.toBe(digest(network('a')));
  });

  it('is empty without files', () => {
    expect(summary([])).toEqual({ objects: [], undecided: [], problems: [] });
  });
});

describe('an object declared twice', () => {
  const files = [file('a.yaml', network('n', '{mtu: 1400}')), file('b.yaml', container('x1'), network('n'))];

  it('is reported at both places and counts at neither', () => {
    expect(summary(files)).toEqual({
      objects: ['Container/x1'],
      undecided: ['Network/n'],
      problems: ['a.yaml:3:18 duplicate-object', 'b.yaml:10:18 duplicate-object'],
    });
    const messages = assemble(files).diagnostics.map(({ message }) => message);
    expect(messages[0]).toContain('b.yaml:10');
    expect(messages[1]).toContain('a.yaml:3');
  });

  it('stays as it was where it was in force', () => {
    const before = assemble([file('a.yaml', network('n', '{mtu: 9000}'))]).revision;
    const { revision } = assemble(files, before);
    expect(revision.objects.get('Network/n')).toBe(before.objects.get('Network/n'));
    expect([...revision.undecided]).toEqual(['Network/n']);
  });

  it('is reported as often as it is declared, also within one file', () => {
    const found = summary([file('a.yaml', network('n'), network('n'), network('n'))]);
    expect(found.problems).toEqual(
      ['a.yaml:3:18', 'a.yaml:8:18', 'a.yaml:13:18'].map((place) => `${place} duplicate-object`),
    );
    expect(found.undecided).toEqual(['Network/n']);
  });

  it('is no network that nobody declares', () => {
    const users = file('c.yaml', container('web', 'networks: [n]'));
    expect(summary([...files, users]).problems.filter((line) => line.includes('undeclared'))).toEqual([]);
  });

  it('changes the digest of the revision', () => {
    expect(assemble(files).revision.digest).not.toBe(
      assemble([file('b.yaml', container('x1'))]).revision.digest,
    );
  });
});

describe('pinned addresses', () => {
  const net = (spec = subnet('10.0.9.0/24')): NamedFile => file('net.yaml', network('ovr0', spec));

  it.each([
    ['10.0.9.10', []],
    ['10.0.9.254', []],
    ['10.0.8.10', ['c.yaml:6:14 address-outside-subnet']],
    ['10.0.9.0', ['c.yaml:6:14 address-outside-subnet']],
    ['10.0.9.255', ['c.yaml:6:14 address-outside-subnet']],
    ['10.0.9.1', ['c.yaml:6:14 address-outside-subnet']],
  ])('%s on 10.0.9.0/24', (address, problems) => {
    const found = summary([net(), file('c.yaml', container('web', pin(address)))]);
    expect(found.problems).toEqual(problems);
    expect(found.undecided).toEqual(problems.length > 0 ? ['Container/web'] : []);
  });

  it('know a gateway that is set', () => {
    const files = (address: string): NamedFile[] => [
      net('{ipam: {subnet: 10.0.9.0/24, gateway: 10.0.9.254}}'),
      file('c.yaml', container('web', pin(address))),
    ];
    expect(summary(files('10.0.9.1')).problems).toEqual([]);
    expect(summary(files('10.0.9.254')).problems).toEqual(['c.yaml:6:14 address-outside-subnet']);
  });

  it('need a subnet that is known', () => {
    const found = summary([net('{}'), file('c.yaml', container('web', pin('10.0.9.10')))]);
    expect(found.problems).toEqual(['c.yaml:6:14 address-without-subnet']);
  });

  it('may be what they are on a network that is not declared', () => {
    const found = summary([file('c.yaml', container('web', pin('10.0.9.10')))]);
    expect(found.problems).toEqual(['c.yaml:6:14 network-undeclared']);
    expect(found.objects).toEqual(['Container/web']);
  });

  const twice = (constraints: [string, string]): NamedFile =>
    file(
      'c.yaml',
      ...constraints.map((name, index) =>
        container(`web-${index}`, pin('10.0.9.10', `nodeConstraint: node==${name}`)),
      ),
    );
  const both = ['c.yaml:6:14 address-duplicate', 'c.yaml:14:14 address-duplicate'];

  it.each([
    ['an overlay', 'overlay', ['n1', 'n2'], both],
    ['a bridge of one node', 'bridge', ['n1', 'n1'], both],
    ['bridges of two nodes', 'bridge', ['n1', 'n2'], []],
  ])('clash on %s', (_, driver, [first = '', second = ''], problems) => {
    const found = summary([net(`{driver: ${driver}, ipam: {subnet: 10.0.9.0/24}}`), twice([first, second])]);
    expect(found.problems).toEqual(problems);
    expect(found.undecided).toHaveLength(problems.length);
  });

  it('clash on an undeclared network only on one node', () => {
    expect(summary([twice(['n1', 'n1'])]).problems.filter((line) => line.includes('duplicate'))).toEqual(
      both,
    );
    expect(summary([twice(['n1', 'n2'])]).problems).toEqual(['c.yaml:6:14 network-undeclared']);
  });

  it('leave the container in force that had the address, and keep the old version of the one that takes it', () => {
    const web = (index: number, address: string): string => container(`web-${index}`, pin(address));
    const before = assemble([net(), file('c.yaml', web(1, '10.0.9.11'), web(2, '10.0.9.12'))]).revision;
    const found = assemble([net(), file('c.yaml', web(1, '10.0.9.12'), web(2, '10.0.9.12'))], before);
    expect(found.diagnostics.map(({ code }) => code)).toEqual(['address-duplicate', 'address-duplicate']);
    expect(found.revision).toEqual(before);
  });

  it('find a clash that putting one back brings', () => {
    const web = (index: number, address: string): string => container(`web-${index}`, pin(address));
    const before = assemble([net(), file('c.yaml', web(1, '10.0.9.11'))]).revision;
    // web-1 cannot move to .12, so it keeps .11, which web-3 wants now.
    const files = [net(), file('c.yaml', web(1, '10.0.9.12'), web(2, '10.0.9.12'), web(3, '10.0.9.11'))];
    const { revision, diagnostics } = assemble(files, before);
    expect(diagnostics).toHaveLength(3);
    expect([...revision.undecided]).toEqual(['Container/web-2', 'Container/web-3']);
    expect(revision.objects.get('Container/web-1')).toBe(before.objects.get('Container/web-1'));
  });
});

describe('subnets', () => {
  it.each([
    ['10.0.8.0/24', '10.0.9.0/24', false],
    ['10.0.9.0/24', '10.0.9.0/24', true],
    ['10.0.0.0/16', '10.0.9.0/24', true],
    ['10.0.9.128/25', '10.0.9.0/25', false],
    ['10.0.9.0/25', '10.0.8.0/23', true],
  ])('%s and %s overlap: %s', (one, other, expected) => {
    const found = summary([file('n.yaml', network('a', subnet(one)), network('b', subnet(other)))]);
    expect(found.problems).toEqual(
      expected ? ['n.yaml:4:23 subnet-overlap', 'n.yaml:9:23 subnet-overlap'] : [],
    );
    expect(found.undecided).toEqual(expected ? ['Network/a', 'Network/b'] : []);
  });

  it('leave the network in force alone when a new one overlaps it', () => {
    const before = assemble([file('a.yaml', network('a', subnet('10.0.0.0/16')))]).revision;
    const files = [
      file('a.yaml', network('a', subnet('10.0.0.0/16'))),
      file('b.yaml', network('b', subnet('10.0.9.0/24'))),
    ];
    const { revision } = assemble(files, before);
    expect(revision.objects.get('Network/a')).toEqual(before.objects.get('Network/a'));
    expect([...revision.undecided]).toEqual(['Network/b']);
  });
});

describe('published ports', () => {
  const ssh = (name: string, node: string, port: string): string =>
    container(name, `nodeConstraint: [${node}]\nports: ["${port}"]`);
  it.each([
    ['one node', ['n==1', '8001:22'], ['n==1', '8001:22'], true],
    ['no constraint', ['', '8001:22'], ['', '8001:22'], true],
    ['two nodes', ['node==a', '8001:22'], ['node==b', '8001:22'], false],
    ['two protocols', ['', '53:53/tcp'], ['', '53:53/udp'], false],
    ['two addresses', ['', '127.0.0.1:80:80'], ['', '127.0.0.2:80:80'], false],
    ['one address', ['', '127.0.0.1:80:80'], ['', '127.0.0.1:80:81'], true],
    ['all addresses and one', ['', '80:80'], ['', '127.0.0.1:80:80'], true],
    ['one address and all', ['', '127.0.0.1:80:80'], ['', '0.0.0.0:80:80'], true],
    ['any host port', ['', '80'], ['', '80'], false],
    ['ranges that meet', ['', '80-90:80-90'], ['', '90:1'], true],
  ])('%s', (_, [one = '', first = ''], [other = '', second = ''], expected) => {
    const fix = (text: string): string => text.replace('n==1', 'node==a');
    const found = assemble([file('s.yaml', ssh('s1', fix(one), first), ssh('s2', fix(other), second))]);
    expect(found.diagnostics.map(({ code, severity }) => `${severity} ${code}`)).toEqual(
      expected ? ['warning port-conflict'] : [],
    );
    expect(found.revision.objects.size).toBe(2);
  });
});

describe('undeclared networks', () => {
  it('are reported once each, at their first use', () => {
    const files = [
      file('a.yaml', network('known'), container('a1', 'networks: [known, other, more]')),
      file(
        'b.yaml',
        container('b1', 'networks: [other]'),
        container('b2', 'networks: [bridge]'),
        container('b3', 'networks: []'),
      ),
    ];
    const { diagnostics } = assemble(files);
    expect(
      diagnostics.map(({ file: name, line, column, code }) => `${name}:${line}:${column} ${code}`),
    ).toEqual(['a.yaml:11:21 network-undeclared', 'a.yaml:11:28 network-undeclared']);
    expect(diagnostics[0]?.message).toContain('Network other (used by 2 containers)');
  });
});

it('works without the places of fields', () => {
  const { objects, diagnostics } = file('c.yaml', network('n'), network('n'));
  expect(summary([{ file: 'c.yaml', objects, diagnostics }]).problems).toEqual([
    'c.yaml:1:1 duplicate-object',
    'c.yaml:6:1 duplicate-object',
  ]);
});

it('decides about every declared object, and brings nothing else into force but what was', () => {
  const specs = ['{}', subnet('10.0.9.0/24'), subnet('10.0.9.0/25'), subnet('10.1.0.0/24')];
  const documents = fc.array(
    fc.oneof(
      fc
        .tuple(fc.constantFrom('ovr0', 'n2'), fc.constantFrom(...specs))
        .map(([name, spec]) => network(name, spec)),
      fc
        .tuple(fc.constantFrom('c1', 'c2', 'c3'), fc.integer({ min: 1, max: 4 }))
        .map(([name, host]) => container(name, pin(`10.0.9.${host}`))),
    ),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(documents, documents, (before, after) => {
      const previous = assemble([file('x.yaml', ...before)]).revision;
      const now = file('x.yaml', ...after);
      const { revision } = assemble([now], previous);
      const declared = new Set(now.objects.map(({ key }) => key));
      expect(new Set([...revision.objects.keys(), ...revision.undecided])).toEqual(declared);
      for (const [key, object] of revision.objects) {
        expect([...now.objects, previous.objects.get(key)]).toContain(object);
      }
      expect(assemble([now], previous).revision).toEqual(revision);
    }),
    { numRuns: 200 },
  );
});

it('makes the same of files with and without what they were before', () => {
  const versions = fc.array(fc.tuple(fc.nat(5), fc.nat(2)), { minLength: 1, maxLength: 8 });
  const parsedOnce = new Map<string, NamedFile>();
  const filesOf = (chosen: readonly (readonly [number, number])[]): NamedFile[] =>
    chosen.map(([name, version], place) => {
      const id = `${place}-${name}-${version}`;
      const known =
        parsedOnce.get(id) ?? file(`${id}.yaml`, network(`n${name}`, `{labels: {v: '${version}'}}`));
      parsedOnce.set(id, known);
      return known;
    });
  let replacements = 0;
  fc.assert(
    fc.property(
      versions,
      fc.array(fc.tuple(fc.nat(7), fc.nat(5), fc.nat(2)), { maxLength: 2 }),
      (before, edits) => {
        const after = [...before];
        for (const [place, name, version] of edits) after[place % after.length] = [name, version];
        const previous = assemble(filesOf(before)).revision;
        const fresh = assemble(filesOf(after));
        const { revision, diagnostics } = assemble(filesOf(after), previous);
        const isPeaceful = new Set(after.map(([name]) => name)).size === after.length;
        // Where two declare the same object, what was before them stays.
        if (!isPeaceful) return;
        expect([...revision.objects]).toEqual([...fresh.revision.objects]);
        expect(revision.digest).toBe(fresh.revision.digest);
        expect(diagnostics).toEqual(fresh.diagnostics);
        if (revision.digest !== previous.digest && previous.objects.size === after.length) replacements += 1;
      },
    ),
    { numRuns: 500 },
  );
  expect(replacements).toBeGreaterThan(20);
});

it('sees what is declared twice also when as many objects are declared as before', () => {
  const [a, b] = [file('a.yaml', network('a')), file('b.yaml', network('b'))];
  const { revision } = assemble([a, b]);
  const twice = assemble([a, file('b.yaml', network('a', '{labels: {v: new}}'))], revision);
  expect(twice.diagnostics.map(({ code }) => code)).toEqual(['duplicate-object', 'duplicate-object']);
  expect(twice.revision.objects.get('Network/a')).toBe(a.objects[0]);
});
