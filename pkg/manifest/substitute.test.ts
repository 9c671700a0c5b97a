import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseManifest } from './index.ts';

const ASKS = "{ovr/substitute: 'true'}";
const SECRET = 'hunter2-hunter2';
const VARIABLES = new Map(
  Object.entries({
    TAG: '1.27',
    MTU: '1400',
    YES: 'true',
    NET: '10.0.9.0/24',
    NAME: 'web-x',
    EMPTY: '',
    AGAIN: '${TAG}',
    INJECT: 'nginx\n  user: root # {a: [b',
    MODE: 'observe',
    SECRET,
  }),
);

function document(kind: string, spec: string, { name = 'web', annotations = ASKS } = {}): string {
  const head = `apiVersion: ovr/v1\nkind: ${kind}\nmetadata:\n  name: ${name}\n  annotations: ${annotations}\n`;
  return `${head}spec:\n${spec.replaceAll(/^/gm, '  ')}\n`;
}

function parse(text: string, variables: ReadonlyMap<string, string> = VARIABLES) {
  return parseManifest(text, 'x.yaml', variables);
}

function specOf(text: string): unknown {
  const { objects, diagnostics } = parse(text);
  expect(diagnostics).toEqual([]);
  return objects[0]?.spec;
}

function problems(text: string, variables = VARIABLES): string[] {
  const { objects, diagnostics } = parse(text, variables);
  expect(objects).toEqual([]);
  return diagnostics.map(({ line, column, code }) => `${line}:${column} ${code}`);
}

describe('variables', () => {
  it.each<[what: string, kind: string, spec: string, expected: object]>([
    ['within a text', 'Container', 'image: nginx:${TAG}', { image: 'nginx:1.27' }],
    ['in quotes', 'Container', 'image: a\nuser: "${TAG}"', { user: '1.27' }],
    ['as a number', 'Network', 'mtu: ${MTU}', { mtu: 1400 }],
    ['as a truth value', 'Network', 'internal: ${YES}', { internal: true }],
    ['in a flow list', 'Container', 'image: a\nargs: ["${TAG}-${MTU}", b]', { args: ['1.27-1400', 'b'] }],
    ['in a block text', 'Container', 'image: a\nargs:\n- |\n  x ${TAG}\n  y\n', { args: ['x 1.27\ny\n'] }],
    [
      'escaped',
      'Container',
      'image: a\nargs: ["$${TAG} $$${TAG} $TAG $$ {}"]',
      { args: ['${TAG} $${TAG} $TAG $$ {}'] },
    ],
    ['once only', 'Container', 'image: a\nuser: ${AGAIN}', { user: '${TAG}' }],
    ['with YAML in them', 'Container', 'image: a\nargs: ["${INJECT}"]', { args: [VARIABLES.get('INJECT')] }],
    [
      'behind an alias',
      'Container',
      'image: a\nargs: &a ["${TAG}"]\ncommand: *a',
      { args: ['1.27'], command: ['1.27'] },
    ],
  ])('stand for their values %s', (_, kind, spec, expected) => {
    expect(specOf(document(kind, spec))).toMatchObject(expected);
  });

  it('can be the name and an annotation', () => {
    const annotations = '{ovr/substitute: "true", ovr/mode: "${MODE}"}';
    const [object] = parse(document('Container', 'image: a', { name: '${NAME}', annotations })).objects;
    expect([object?.key, object?.mode]).toEqual(['Container/web-x', 'observe']);
  });

  it.each([
    ['no annotation', '{}'],
    ['an annotation that says no', "{ovr/substitute: 'false'}"],
  ])('are texts like any other with %s', (_, annotations) => {
    const text = document('Container', 'image: a\nuser: ${TAG}', { annotations });
    expect(specOf(text)).toMatchObject({ user: '${TAG}' });
    expect(parse(text).usesVariables).toBeUndefined();
  });

  it('are told to be used, also where they are not right', () => {
    expect(parse(document('Container', 'image: a')).usesVariables).toBe(true);
    expect(parse(document('Container', 'image: "${X}"')).usesVariables).toBe(true);
  });

  it('make the object that the filled-in text makes', () => {
    const [filled] = parse(document('Container', 'image: nginx:${TAG}')).objects;
    const [written] = parse(document('Container', 'image: nginx:1.27')).objects;
    expect(filled?.digest).toBe(written?.digest);
  });

  it.each<[what: string, text: string, expected: string[]]>([
    [
      'one that is not defined',
      document('Container', 'image: a\nargs: [b, "x ${TAG} ${TGA}"]'),
      ['8:23 variable-undefined'],
    ],
    [
      'two of them',
      document('Container', 'image: "${A}"\nuser: ${B}'),
      ['7:11 variable-undefined', '8:9 variable-undefined'],
    ],
    [
      'one in a folded text',
      document('Container', 'image: a\nargs:\n- >\n  x\n  ${A}'),
      ['11:5 variable-undefined'],
    ],
    [
      'one that an escape makes',
      document('Container', 'image: a\nuser: "\\u0024{A}"'),
      ['8:9 variable-undefined'],
    ],
    ['a default', document('Container', 'image: ${TAG:-1}'), ['7:10 variable-invalid']],
    ['no end', document('Container', 'image: a${TAG'), ['7:11 variable-invalid']],
    ['no name', document('Container', 'image: ${}'), ['7:10 variable-invalid']],
    ['a digit first', document('Container', 'image: ${1}'), ['7:10 variable-invalid']],
    ['a key', document('Container', 'image: a\nlabels:\n  ${TAG}: b'), ['9:5 variable-misplaced']],
    ['the kind', document('${NAME}', 'image: a'), ['2:7 variable-misplaced']],
    ['text where a number belongs', document('Network', 'mtu: "${MTU}"'), ['7:8 value-type']],
    ['a number where text belongs', document('Container', 'image: a\nuser: ${MTU}'), ['8:9 value-unquoted']],
    ['nothing', document('Container', 'image: ${EMPTY}'), ['7:10 value-missing']],
    ['a value out of range', document('Network', 'mtu: ${BIG}'), ['7:8 value-range']],
  ])('are refused where there is %s', (_, text, expected) => {
    expect(problems(text, new Map([...VARIABLES, ['BIG', '99999999']]))).toEqual(expected);
  });

  it('name what may have been meant, and what there is', () => {
    const [one] = parse(document('Container', 'image: "${TAGG}"')).diagnostics;
    expect(one?.message).toMatch(
      /^the variable "TAGG" is not defined; did you mean TAG\? \(defined: TAG, MTU, /,
    );
    const [none] = parse(document('Container', 'image: "${TAGG}"'), new Map()).diagnostics;
    expect(none?.message).toBe(
      'the variable "TAGG" is not defined; define it with --var or --var-file (defined: none is)',
    );
  });

  it.each<[what: string, kind: string, spec: string]>([
    ['a choice', 'Container', 'image: a\nrestartPolicy: ${SECRET}'],
    ['a form', 'Container', 'image: "${SECRET}:%"'],
    ['a part of a list', 'Container', 'image: a\nports: ["80:${SECRET}"]'],
    ['a map of limits', 'Container', 'image: a\nresources: {limits: {memory: "${SECRET}"}}'],
    ['a name twice', 'Container', 'image: a\nvolumes: ["a:/${SECRET}", "b:/${SECRET}"]'],
    ['a constraint', 'Container', 'image: a\nnodeConstraint: "${SECRET}"'],
    ['an alias of a text', 'Container', 'image: a\nuser: &u "${SECRET}"\nstopSignal: *u'],
  ])('never show in a message about %s', (_, kind, spec) => {
    const { diagnostics } = parse(document(kind, spec));
    expect(diagnostics.length).toBeGreaterThan(0);
    const told = JSON.stringify(diagnostics);
    expect(told).not.toContain('hunter2');
    expect(told).toContain('${SECRET}');
  });

  it('never show in a message about another field', () => {
    const variables = new Map([['NET', '10.0.9.0/24']]);
    const spec = 'ipam: {subnet: "${NET}", ipRange: 10.7.0.0/24}';
    const [found] = parse(document('Network', spec), variables).diagnostics;
    expect(found?.message).not.toContain('10.0.9.0/24');
  });

  it('leave messages about other values as they are', () => {
    const text = 'image: nginx:${TAG}\nrestartPolicy: alway';
    const [found] = parse(document('Container', text)).diagnostics;
    expect(found?.message).toContain('"alway"');
  });

  it('cannot make a document larger than it may be', () => {
    const variables = new Map([['X', 'x'.repeat(8_000)]]);
    const args = (count: number): string => `image: a\nargs: [${'"${X}",'.repeat(count)}]`;
    expect(parse(document('Container', args(7)), variables).diagnostics).toEqual([]);
    expect(problems(document('Container', args(9)), variables)).toEqual(['1:1 document-too-large']);
    const aliased = `image: a\nenv: [{name: A, value: &x "\${X}"}]\nargs: [${'*x ,'.repeat(9)}]`;
    expect(problems(document('Container', aliased), variables)).toEqual(['1:1 document-too-large']);
  });

  it('never add a field, whatever they hold', () => {
    const text = document('Container', 'image: a\nuser: "${V}"\nargs: ["${V}"]\nlabels: {a: "${V}"}');
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'binary' }), (value) => {
        const { objects, diagnostics } = parse(text, new Map([['V', value]]));
        const isRefused = value.includes('\0');
        expect(diagnostics.map(({ code }) => code)).toEqual(
          isRefused ? Array(3).fill('control-character') : [],
        );
        const spec = { user: value, args: [value], labels: { a: value } };
        expect(objects.map((object) => object.spec)).toMatchObject(isRefused ? [] : [spec]);
      }),
    );
  });
});
