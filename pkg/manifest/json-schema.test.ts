import { readFileSync, readdirSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
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

const examples = ['article', 'single', 'traffic'].flatMap((folder) =>
  readdirSync(new URL(`manifests/${folder}/`, root)).map((name) => `manifests/${folder}/${name}`),
);

/** All fields in the schema. */
function fieldsOf(node: unknown, path = ''): { path: string; field: Record<string, unknown> }[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) => {
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

  it.each(examples)('accepts %s', (path) => {
    for (const document of documentsOf(read(path)))
      expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
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
