import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ContainerSpec } from './objects.ts';
import { parseManifest } from './index.ts';

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

function containerSpec(spec: string, name?: string): ContainerSpec {
  const { objects, diagnostics } = parseManifest(container(spec, name), 'x.yaml');
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  const object = objects[0];
  if (object?.kind !== 'Container') throw new Error('no container');
  return object.spec;
}

describe('a whole file', () => {
  it('reports all problems in one go and keeps the valid objects', () => {
    const text = [
      'apiVersion: ovr/v2\nkind: Container\nmetadata: {nam: web}\nspec: {image: A, prots: []}\n',
      'a: [\n',
      '# nothing here\n',
      network('{}'),
      'kind: Volume\n',
    ].join('---\n');
    const { objects, diagnostics } = parseManifest(text, 'all.yaml');
    expect(objects.map(({ key, origin }) => `${key} ${origin.line}`)).toEqual(['Network/ovr0 10']);
    expect(diagnostics.map(({ line, column, code }) => `${line}:${column} ${code}`)).toEqual([
      '1:13 unknown-api-version',
      '3:1 field-missing',
      '3:12 field-unknown',
      '4:15 image-invalid',
      '4:18 field-unknown',
      '7:1 yaml-syntax',
      '15:7 unknown-kind',
    ]);
    expect(diagnostics.every(({ file }) => file === 'all.yaml')).toBe(true);
  });

  it('tells where fields are that are compared with other objects', () => {
    const text = `---\n${network('{ipam: {subnet: 10.0.9.0/24}}')}---\n${container('networks:\n  - a\n  - name: b\nports:\n  - "80"')}`;
    expect(parseManifest(text, 'x.yaml').places).toEqual([
      { name: { line: 4, column: 18 }, subnet: { line: 5, column: 23 } },
      {
        name: { line: 9, column: 18 },
        networks: [
          { line: 13, column: 7 },
          { line: 14, column: 7 },
        ],
        ports: { line: 16, column: 5 },
      },
    ]);
  });

  it.each([
    ['nothing', ''],
    ['white space', ' \n\t\n'],
    ['comments', '# a\n---\n# b\n...\n--- # c\n'],
    ['a byte order mark', '\ufeff'],
  ])('finds no objects and no problems in %s', (_, text) => {
    expect(parseManifest(text, 'x.yaml')).toEqual({ objects: [], diagnostics: [], places: [] });
  });

  it.each([
    ['Windows line ends', (text: string) => text.replaceAll('\n', '\r\n')],
    ['a byte order mark', (text: string) => `\ufeff${text}`],
    ['markers', (text: string) => `--- # first\n${text}...\n`],
    ['no line end', (text: string) => text.trimEnd()],
  ])('accepts %s', (_, change) => {
    const plain = parseManifest(container('ports: ["8001:22"]'), 'x.yaml').objects[0];
    const changed = parseManifest(change(container('ports: ["8001:22"]')), 'x.yaml');
    expect(changed.diagnostics).toEqual([]);
    expect(changed.objects.map(({ digest }) => digest)).toEqual([plain?.digest]);
  });

  it('counts lines the same with Windows line ends', () => {
    const text = `${network('{}')}---\n${container('prots: []')}`;
    expect(problems(text.replaceAll('\n', '\r\n'))).toEqual(['11:3 field-unknown']);
    expect(problems(text)).toEqual(['11:3 field-unknown']);
  });

  it('reads JSON, indented with tabs too', () => {
    const object = {
      apiVersion: 'ovr/v1',
      kind: 'Container',
      metadata: { name: 'web' },
      spec: { image: 'nginx', env: [{ name: 'A', value: '\u00e9 "\\ \u{1f600}' }], ports: ['8001:22'] },
    };
    for (const indent of [0, 2, '\t']) {
      const { objects, diagnostics } = parseManifest(JSON.stringify(object, null, indent), 'x.json');
      expect(diagnostics).toEqual([]);
      expect(objects[0]).toMatchObject({ spec: { env: object.spec.env } });
    }
    expect(problems(JSON.stringify([object]))).toEqual(['1:1 document-not-map']);
  });

  it('shares blocks with anchors and says where a mistake in one is', () => {
    const text = container('ports: &p ["80"]\nvolumes: &v ["x:/y"]\ntmpfs: *v\nargs: *p');
    expect(problems(text)).toEqual(['7:16 volume-invalid', '7:16 value-invalid']);
    expect(containerSpec('command: &c [a, b]\nargs: *c')).toMatchObject({
      command: ['a', 'b'],
      args: ['a', 'b'],
    });
  });

  it('does not read an older YAML from a file', () => {
    expect(problems(`%YAML 1.1\n---\n${container('ports: [22:22]')}`)).toEqual(['1:1 yaml-directive']);
  });

  it('drops an alias that is the own name', () => {
    expect(containerSpec('networks: [{name: a, aliases: [WEB, x]}]', 'Web').networks?.[0]?.aliases).toEqual([
      'x',
    ]);
  });

  it('shows no control characters of a manifest on the terminal', () => {
    const text = container('user: 1\n"\\e[31mred\\u202e": 1\nimage: "\\e]0;x\\a"').replace(
      '  image: nginx\n',
      '',
    );
    const messages = parseManifest(text, 'x.yaml').diagnostics.map(({ message }) => message);
    expect(messages).toHaveLength(3);
    expect(messages.join('')).not.toMatch(/[\u0000-\u001f\u202e]/);
  });
});

describe('the examples', () => {
  it.each(['article/network', 'article/nginx', 'article/ssh', 'single/network', 'single/web', 'traffic/web'])(
    '%s.yaml is valid',
    (name) => {
      const url = new URL(`../../manifests/${name}.yaml`, import.meta.url);
      const { objects, diagnostics } = parseManifest(readFileSync(url, 'utf8'), name);
      expect(diagnostics).toEqual([]);
      expect(objects.length).toBeGreaterThan(0);
    },
  );

  it.each(['README.md', 'docs/manifests.md'])('those of %s are valid', (name) => {
    const page = readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
    const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map((match) => match[1] ?? '');
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of blocks) expect(parseManifest(block, name).diagnostics).toEqual([]);
  });
});
