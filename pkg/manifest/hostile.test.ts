import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assemble, parseManifest } from './index.ts';

const KIB = 1024;
const sized = (unit: string, bytes = 60 * KIB): string => unit.repeat(Math.floor(bytes / unit.length));
const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n');
const container = (spec: string): string =>
  `apiVersion: ovr/v1\nkind: Container\nmetadata: {name: web}\nspec:\n  image: x\n${spec}\n`;

function codes(text: string): string[] {
  const { objects, diagnostics } = parseManifest(text, 'x.yaml');
  expect(objects).toEqual([]);
  expect(diagnostics.length).toBeLessThanOrEqual(101);
  return [...new Set(diagnostics.map(({ code }) => code))];
}

describe('hostile files are refused with a diagnostic', () => {
  const laughs = lines(
    9,
    (i) =>
      `  l${i}: &l${i} [${Array(9)
        .fill(i === 0 ? 'lol' : `*l${i - 1}`)
        .join()}]`,
  );
  const table: [what: string, text: string, code: string][] = [
    ['an alias bomb', container(laughs), 'yaml-alias'],
    [
      'many uses of one large list',
      container(`  args: &a [${sized('a,', 8 * KIB)}]\n  x: [${sized('*a ,', KIB)}]`),
      'yaml-alias',
    ],
    ['a cyclic alias', 'a: &a [*a]', 'yaml-alias'],
    ['anchors and aliases in pairs', lines(2_500, (i) => `- &a${i} x\n- *a${i}`), 'document-not-map'],
    ['40,000 keys', lines(40_000, (i) => `k${i}: 1`), 'document-too-large'],
    ['7,000 keys', lines(7_000, (i) => `k${i}: 1`), 'field-missing'],
    ['7,000 unknown fields', container(lines(6_000, (i) => `  k${i}: 1`)), 'field-unknown'],
    ['6,000 equal keys', container(lines(6_000, () => '  k: 1')), 'key-duplicate'],
    ['brackets 60,000 deep', '['.repeat(60_000), 'nesting-too-deep'],
    ['braces 10,000 deep', '{a: '.repeat(10_000), 'nesting-too-deep'],
    ['lists 30,000 deep on one line', sized('- '), 'nesting-too-deep'],
    ['maps 300 deep', lines(300, (i) => `${' '.repeat(i)}a:`), 'nesting-too-deep'],
    ['complex keys', sized('? '), 'nesting-too-deep'],
    ['commas', `[${sized(',')}`, 'yaml-syntax'],
    ['quotes', sized('"'), 'yaml-syntax'],
    ['tags', sized('!a '), 'yaml-syntax'],
    ['anchors', sized('&a '), 'yaml-syntax'],
    ['colons', sized(':'), 'yaml-syntax'],
    ['nested compact maps', sized('a: '), 'nesting-too-deep'],
    ['directives', sized('%A b\n'), 'yaml-directive'],
    ['a NUL', 'a: b\0', 'control-character'],
    ['a NUL in an escape', container('  user: "a\\0"'), 'control-character'],
    ['an escape character', 'a: \u001b[31m', 'control-character'],
    ['UTF-16, little end first', '\ufffd\ufffda\0p\0', 'encoding-invalid'],
    ['UTF-16, big end first', '\0a\0p\0i', 'encoding-invalid'],
    ['bytes that are no UTF-8', 'a: \ufffd', 'encoding-invalid'],
    ['a number', '42', 'document-not-map'],
    ['10,001 documents', '--- 1\n'.repeat(10_001), 'too-many-documents'],
    ['9,000 documents', '--- 1\n'.repeat(9_000), 'too-many-problems'],
    ['the prototype as a key', '{"__proto__": {"kind": "Network"}}', 'yaml-key'],
    ['the prototype as a label', container('  labels: {__proto__: x}'), 'yaml-key'],
    ['an unknown alias', container('  user: *nobody'), 'yaml-alias'],
    ['a merge key', container('  <<: {user: a}'), 'yaml-key'],
    ['a map as a key', container('  ? {a: b}\n  : c'), 'yaml-key'],
    ['binary data', container('  user: !!binary aGk='), 'yaml-tag'],
    ['a very long word', container(`  ${'x'.repeat(1000)}: 1`), 'field-unknown'],
    ['a very long text', container(`  user: ${'x'.repeat(10_000)}`), 'value-invalid'],
    ['7,000 ranges of ports', container(`  ports: [${sized('"1-1024",')}]`), 'port-invalid'],
  ];
  it.each(table)('%s', (_, text, code) => {
    expect(codes(text)).toContain(code);
  });

  it('counts lists and maps inside each other up to the limit', () => {
    const nested = (depth: number): string => `{a: ${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect(codes(nested(31))).not.toContain('nesting-too-deep');
    expect(codes(nested(40))).toContain('nesting-too-deep');
  });

  it('stops after the first document with too many problems', () => {
    const { diagnostics } = parseManifest(`[${sized(',')}\n---\n`.repeat(4), 'x.yaml');
    expect(diagnostics.at(-1)).toMatchObject({ code: 'too-many-problems', line: 1 });
  });

  it('keeps names that every object has harmless', () => {
    const text = container('  labels: {constructor: a, toString: b, hasOwnProperty: c}');
    const parsed = parseManifest(text, 'x.yaml');
    expect(parsed.diagnostics).toEqual([]);
    expect(parsed.objects[0]?.spec).toHaveProperty('labels', {
      constructor: 'a',
      toString: 'b',
      hasOwnProperty: 'c',
    });
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });

  it('skips a document that is too large and reads the others', () => {
    const small = 'apiVersion: ovr/v1\nkind: Network\nmetadata: {name: ovr0}\nspec: {}\n';
    const { objects, diagnostics } = parseManifest(
      `${small}---\nx: ${'y'.repeat(70_000)}\n---\n${small}`,
      'x.yaml',
    );
    expect(objects).toHaveLength(2);
    expect(diagnostics).toMatchObject([{ code: 'document-too-large', line: 5 }]);
  });
});

describe('any text', () => {
  const fragments = [
    'a',
    ':',
    ' ',
    '-',
    '\n',
    '[',
    ']',
    '{',
    '}',
    ',',
    '"',
    "'",
    '#',
    '&a',
    '*a',
    '!t',
    '|',
    '>',
    '?',
    '---\n',
    'kind: Network\n',
    'spec:',
    '\t',
    '\r\n',
    '\ufeff',
    '__proto__',
    '80',
  ];
  it('is answered without an exception, with places inside the file', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...fragments), { maxLength: 60 }), (parts) => {
        const text = parts.join('');
        const parsed = parseManifest(text, 'x.yaml');
        const count = text.split('\n').length;
        for (const { line, column } of parsed.diagnostics) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(count);
          expect(column).toBeGreaterThanOrEqual(1);
        }
        assemble([{ file: 'x.yaml', ...parsed }]);
      }),
      { numRuns: 300 },
    );
  });

  it('gives no object from a manifest cut off in its spec but one that is valid by itself', () => {
    const whole = container('  user: root\n  ports: ["8001:22"]');
    for (let end = 0; end < whole.indexOf('image'); end++) {
      expect(parseManifest(whole.slice(0, end), 'x.yaml').objects).toEqual([]);
    }
  });
});
