import { readFileSync, readdirSync } from 'node:fs';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { jsonSchema, parseManifest } from './index.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const schema = jsonSchema();
const validate = new Ajv({
  allErrors: true,
  strict: true,
  strictTypes: false,
  allowUnionTypes: true,
}).compile(schema);

function documentsOf(text: string): unknown[] {
  return parseAllDocuments(text).map((document) => document.toJS() as unknown);
}

const list = (folder: string): string[] =>
  readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}${name}`);
const examples = list('manifests/').filter((path) => /\.(?:ya?ml|json)$/.test(path));
/** Blocks of the documentation that are manifests as they stand: without variables, which a schema cannot know. */
const blocks = ['README.md', ...list('docs/').filter((path) => path.endsWith('.md'))].flatMap((path) =>
  [...read(path).matchAll(/^```yaml(?! variables)[^\n]*\n(apiVersion: ovr\/v1\nkind: (?!Policy).*?)^```/gms)]
    .filter(() => path !== 'docs/diagnostics.md')
    .map(([, text = ''], index): [string, string] => [`${path}, block ${index + 1}`, text]),
);

/** All fields in the schema; a condition has none. */
function fieldsOf(node: unknown, path = ''): { path: string; field: Record<string, unknown> }[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) => {
    if (key === 'if') return [];
    if (key !== 'properties' || !isRecord(value))
      return fieldsOf(value, key === 'items' ? `${path}[]` : path);
    return Object.entries(value).flatMap(([name, field]) =>
      isRecord(field) ? [{ path: `${path}.${name}`, field }, ...fieldsOf(field, `${path}.${name}`)] : [],
    );
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Some value of a document, by any key or index, replaced or removed. */
function mutate(document: unknown, steps: readonly number[], value: unknown): void {
  let [node, parent, key] = [document, undefined as object | undefined, '' as string];
  for (const step of steps) {
    if (typeof node !== 'object' || node === null) break;
    const keys = Object.keys(node);
    if (keys.length === 0) break;
    [parent, key] = [node, keys[step % keys.length] ?? ''];
    node = Reflect.get(parent, key) as unknown;
  }
  if (parent !== undefined) Reflect.set(parent, key, value);
}

describe('the JSON Schema', () => {
  it('has an ID, and a title and a description for every field', () => {
    expect(schema).toMatchObject({
      $id: 'urn:ovr:manifest:v1',
      $schema: 'http://json-schema.org/draft-07/schema#',
    });
    const fields = fieldsOf(schema);
    expect(fields.length).toBeGreaterThan(60);
    const bare = fields
      .filter(({ field }) => !field['title'] || !field['description'])
      .map(({ path }) => path);
    expect(bare).toEqual([]);
  });

  it('has examples that it accepts itself', () => {
    for (const { path, field } of fieldsOf(schema)) {
      if (!Array.isArray(field['examples'])) continue;
      const check = new Ajv({ strict: false }).compile(field);
      for (const example of field['examples'])
        expect(check(example), `${path}: ${JSON.stringify(example)}`).toBe(true);
    }
  });

  it.each([...examples.map((path): [string, string] => [path, read(path)]), ...blocks])(
    'accepts %s, as the parser does',
    (path, text) => {
      expect(parseManifest(text, path).diagnostics.filter(({ severity }) => severity === 'error')).toEqual(
        [],
      );
      for (const document of documentsOf(text))
        expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
    },
  );

  it('was tried on all of them', () => {
    expect(examples.length).toBeGreaterThan(5);
    expect(blocks.length).toBeGreaterThan(3);
  });

  const valid = `
apiVersion: ovr/v1
kind: Container
metadata: {name: web, labels: {a: b}, annotations: {ovr/mode: observe}}
spec:
  image: nginx
  nodeConstraint: node==a
  networks: [ovr0, {name: n2, aliases: [x], ipv4Address: 10.0.0.2}]
  env: [{name: A, value: b}, {name: B, valueFrom: {file: /b}}]
  ports: [80, "8001:22"]
  resources: {limits: {cpu: 0.5, memory: 64Mi}}
  healthcheck: {test: x, interval: 10s}
  ulimits: [nofile=1, {name: core, soft: 1}]
  logging: {driver: none}
`;
  it('accepts what the parser accepts', () => {
    expect(parseManifest(valid, 'x.yaml').diagnostics).toEqual([]);
    expect(documentsOf(valid).map((document) => validate(document))).toEqual([true]);
  });

  it.each([
    ['image: nginx', 'imge: nginx'],
    ['kind: Container', 'kind: Alias'],
    ['ovr/v1', 'ovr/v2'],
    ['name: web', 'nam: web'],
    ['{name: web', '{name: w'],
    ['aliases: [x]', 'alias: [x]'],
    ['10.0.0.2', '10.0.0.256'],
    ['value: b', 'value: 1'],
    ['limits:', 'limit:'],
    ['node==a', '[1]'],
    ['test: x', 'retries: 0'],
  ])('refuses %s as %s, and so does the parser', (from, to) => {
    const text = valid.replace(from, to);
    expect(text).not.toBe(valid);
    expect(documentsOf(text).map((document) => validate(document))).toEqual([false]);
    expect(parseManifest(text, 'x.yaml').objects).toEqual([]);
  });
});

describe('the verdicts of the JSON Schema and the parser', () => {
  const containerOf = (spec: string): string =>
    `apiVersion: ovr/v1\nkind: Container\nmetadata: {name: web}\nspec: {${spec}}\n`;
  const networkOf = (spec: string): string =>
    `apiVersion: ovr/v1\nkind: Network\nmetadata: {name: ovr0}\nspec: {${spec}}\n`;
  const aliasOf = (spec: string): string =>
    `apiVersion: ovr/v1\nkind: Alias\nmetadata: {name: web}\nspec: {${spec}}\n`;

  /** Everything that a schema can tell: fields, types, choices, bounds. Forms of texts beyond patterns are the parser's. */
  const refused: [what: string, text: string][] = [
    ['a list', '- 1\n'],
    ['a text', 'ovr\n'],
    ['an empty map', '{}\n'],
    ['no apiVersion', networkOf('').replace('apiVersion: ovr/v1\n', '')],
    ['another apiVersion', networkOf('').replace('ovr/v1', 'v1')],
    ['no kind', networkOf('').replace('kind: Network\n', '')],
    ['another kind', networkOf('').replace('Network', 'Service')],
    ['the kind in lower case', networkOf('').replace('Network', 'network')],
    ['no metadata', networkOf('').replace(/metadata.*\n/, '')],
    ['no name', networkOf('').replace('name: ovr0', '')],
    ['a name that is a number', networkOf('').replace('ovr0', '7')],
    ['a name with a space', networkOf('').replace('ovr0', 'ovr 0')],
    ['a label that is a number', networkOf('').replace('name: ovr0', 'name: ovr0, labels: {a: 1}')],
    ['no spec', networkOf('').replace(/spec.*\n/, '')],
    ['a field beside the four', `${networkOf('')}status: {}\n`],
    ['an unknown field of metadata', networkOf('').replace('name: ovr0', 'name: ovr0, namespace: a')],
    ['no image', containerOf('')],
    ['an image without a value', containerOf('image: ')],
    ['an unknown field', containerOf('image: a, restart: always')],
    ['a text for a list', containerOf('image: a, volumes: /a:/b')],
    ['a map for a list', containerOf('image: a, env: {A: b}')],
    ['a list for a text', containerOf('image: [a]')],
    ['a number for a text', containerOf('image: a, user: 1000')],
    ['a truth value for a text', containerOf('image: a, env: [{name: A, value: true}]')],
    ['a text for a truth value', containerOf('image: a, init: "true"')],
    ['an unknown choice', containerOf('image: a, imagePullPolicy: Sometimes')],
    ['an unknown field in a list', containerOf('image: a, networks: [{name: n1, alias: [x]}]')],
    ['a network without a name', containerOf('image: a, networks: [{aliases: [x]}]')],
    ['no test in a healthcheck', containerOf('image: a, healthcheck: {interval: 1s}')],
    ['an MTU that is too small', networkOf('mtu: 20')],
    ['an MTU that is no whole number', networkOf('mtu: 1400.5')],
    ['an unknown driver', networkOf('driver: weave')],
    ['addresses without a subnet', networkOf('ipam: {gateway: 10.0.0.1}')],
    ['an alias without a network', aliasOf('selector: {app: a}')],
    ['an alias without a selector', aliasOf('network: n1')],
    ['a label of a selector that is a number', aliasOf('network: n1, selector: {app: 1}')],
    ['an unknown readiness', aliasOf('network: n1, selector: {app: a}, readiness: Ready')],
    ['a container spec in an alias', aliasOf('network: n1, selector: {app: a}, image: a')],
  ];
  it.each(refused)('agree on refusing %s', (_, text) => {
    expect(parseManifest(text, 'x.yaml').objects).toEqual([]);
    expect(documentsOf(text).map((document) => validate(document))).toEqual([false]);
  });

  const accepted: [what: string, text: string][] = [
    ['an empty spec', networkOf('')],
    ['a constraint as a text', containerOf('image: a, nodeConstraint: node==b')],
    ['constraints as a list', containerOf('image: a, nodeConstraint: [node==b, "xy!=z"]')],
    ['a port as a number', containerOf('image: a, ports: [80]')],
    ['CPUs as a number', containerOf('image: a, resources: {limits: {cpu: 0.5}}')],
    ['a test as a text', containerOf('image: a, healthcheck: {test: x}')],
    ['no networks', containerOf('image: a, networks: []')],
    ['labels with any name', containerOf('image: a, labels: {a.b/c: d, constructor: e}')],
    ['a key in quotes', networkOf('"mtu": 1400')],
    [
      'an alias with all its fields',
      aliasOf('name: x, network: n1, selector: {a: b}, readiness: Healthy, overlap: 5s'),
    ],
  ];
  it.each(accepted)('agree on accepting %s', (_, text) => {
    expect(parseManifest(text, 'x.yaml').diagnostics).toEqual([]);
    expect(documentsOf(text).map((document) => validate(document))).toEqual([true]);
  });

  const values = [
    1,
    0.5,
    -1,
    true,
    null,
    '',
    'a',
    '5s',
    '10.0.9.0/24',
    '80:80',
    [],
    ['a'],
    {},
    { name: 'a1' },
  ];

  it('never differ so that an editor complains of what the parser takes', () => {
    const texts = [...examples.map(read), ...blocks.map(([, text]) => text)];
    const documents = texts.flatMap(documentsOf);
    const steps = fc.array(fc.nat(40), { minLength: 1, maxLength: 6 });
    let taken = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...documents),
        steps,
        fc.constantFrom(...values),
        (document, path, value) => {
          const changed: unknown = structuredClone(document);
          mutate(changed, path, value);
          const { objects } = parseManifest(JSON.stringify(changed), 'x.json');
          if (objects.length === 0) return;
          taken += 1;
          expect(validate(changed), JSON.stringify(validate.errors)).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    );
    expect(taken).toBeGreaterThan(40);
  });
});

describe('variables in the JSON Schema', () => {
  const text = `
apiVersion: ovr/v1
kind: Container
metadata: {name: "web-\${SITE}", annotations: {ovr/substitute: "true", ovr/mode: "\${MODE}"}}
spec:
  image: nginx:\${TAG}
  imagePullPolicy: \${PULL}
  init: \${YES}
  reschedule: on-\${WHAT}-failure
  updateStrategy: \${HOW}
  dependsOn: [{name: "db-\${SITE}", condition: "\${STATE}"}, "cache-\${SITE}"]
  networks: [{name: ovr0, ipv4Address: "10.0.0.\${HOST}"}]
  ulimits: [{name: nofile, soft: 1}]
  healthcheck:
    test: x
    retries: \${COUNT}
  resources: {limits: {cpu: "\${CPU}"}}
`;
  const variables = new Map(
    Object.entries({
      SITE: 'x',
      MODE: 'observe',
      TAG: '1',
      PULL: 'Never',
      YES: 'true',
      WHAT: 'node',
      HOW: 'Recreate',
    }).concat(Object.entries({ STATE: 'Healthy', HOST: '2', COUNT: '3', CPU: '0.5', MTU: '1400' })),
  );
  const verdicts = (of: string): { schema: boolean; parser: boolean } => ({
    schema: documentsOf(of).every((document) => validate(document)),
    parser: parseManifest(of, 'x.yaml', variables).diagnostics.length === 0,
  });

  it('are taken by the schema and by the parser where the annotation asks for them', () => {
    expect(verdicts(text)).toEqual({ schema: true, parser: true });
  });

  it('are taken in the example of docs/manifests.md', () => {
    const [, example = ''] = /^```yaml variables\n(.*?)^```/ms.exec(read('docs/manifests.md')) ?? [];
    expect(documentsOf(example).map((document) => validate(document))).toEqual([true]);
  });

  it.each(['ovr/substitute: "false"', 'ovr/prune: "true"'])('are taken by neither with %s', (annotation) => {
    for (const line of ['init: ${YES}', 'imagePullPolicy: ${PULL}', 'dependsOn: ["${STATE}"]']) {
      const asking = `apiVersion: ovr/v1\nkind: Container\nmetadata: {name: web, annotations: {ovr/substitute: "true"}}\nspec:\n  image: a\n  ${line}\n`;
      expect(verdicts(asking), line).toEqual({ schema: true, parser: true });
      const other = asking.replace('ovr/substitute: "true"', annotation);
      expect(verdicts(other), line).toEqual({ schema: false, parser: false });
    }
  });

  it.each([
    ['a number with text around', 'retries: ${COUNT}', 'retries: 1${COUNT}'],
    ['a truth value with text around', 'init: ${YES}', 'init: is-${YES}'],
    ['a choice without a variable', 'imagePullPolicy: ${PULL}', 'imagePullPolicy: $PULL'],
    ['a default', 'updateStrategy: ${HOW}', 'updateStrategy: ${HOW:-Recreate}'],
    ['an address without a variable', '10.0.0.${HOST}', '10.0.0.x'],
    ['a name without a variable', 'web-${SITE}', 'web-{SITE}'],
    ['a kind from a variable', 'kind: Container', 'kind: "${KIND}"'],
    ['a version from a variable', 'apiVersion: ovr/v1', 'apiVersion: "ovr/${V}"'],
    [
      'a list from a variable',
      'networks: [{name: ovr0, ipv4Address: "10.0.0.${HOST}"}]',
      'networks: ${NETWORKS}',
    ],
    ['an unknown field', 'init: ${YES}', 'innit: ${YES}'],
    ['a number for a text', 'image: nginx:${TAG}', 'image: 1'],
  ])('do not make anything of %s', (_, from, to) => {
    const changed = text.replace(from, () => to);
    expect(changed).not.toBe(text);
    expect(verdicts(changed)).toEqual({ schema: false, parser: false });
  });

  it('never make an editor complain of what the parser takes', () => {
    const documents = [...examples.map(read), text].flatMap(documentsOf).filter(isRecord);
    const whole = [...variables.keys()].map((name) => `\${${name}}`);
    const values = [...whole, ...whole.map((variable) => `1${variable}`), '10.0.9.0/24', 1, true];
    let taken = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...documents),
        fc.array(fc.nat(40), { minLength: 1, maxLength: 6 }),
        fc.constantFrom(...values),
        (document, path, value) => {
          const changed = structuredClone(document);
          const { metadata } = changed;
          if (!isRecord(metadata)) return;
          mutate(changed, path, value);
          metadata['annotations'] = { 'ovr/substitute': 'true' };
          if (parseManifest(stringify(changed), 'x.yaml', variables).objects.length === 0) return;
          taken += 1;
          expect(validate(changed), JSON.stringify(validate.errors)).toBe(true);
        },
      ),
      { numRuns: 1_000 },
    );
    expect(taken).toBeGreaterThan(40);
  });
});

describe('package.json', () => {
  it('has the schema that the build writes among its files, under a name that stays', () => {
    const { files } = JSON.parse(read('package.json')) as { files: string[] };
    expect(files).toContain('dist');
    expect(read('test/tools/build.ts')).toContain("join(dist, 'schema', 'ovr.schema.json')");
    expect(read('docs/manifests.md')).toContain('dist/schema/ovr.schema.json');
  });
});

describe('docs/manifests.md', () => {
  const page = read('docs/manifests.md');
  it('names every field', () => {
    const names = new Set(
      [...fieldsOf(schema)].map(({ path }) => path.split('.').at(-1)?.replace('[]', '') ?? ''),
    );
    const missing = [...names].filter((name) => !new RegExp(`\`(?:[\\w.[\\]]*[.\\]])?${name}\``).test(page));
    expect(missing).toEqual([]);
  });
});
