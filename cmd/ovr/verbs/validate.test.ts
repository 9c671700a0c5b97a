import fc from 'fast-check';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { systemClock } from '../../../pkg/agent/index.ts';
import type { Diagnostic } from '../../../pkg/api/index.ts';
import { createCliStage, type CliStage } from '../../../test/build/cli.ts';
import { parseXml, type XmlElement } from '../../../test/build/xml.ts';
import { createLocal } from '../local.ts';
import { githubCommand } from '../render/github.ts';
import { junitReport } from '../render/junit.ts';
import { oneLine } from '../render/text.ts';

let stage: CliStage;
let dir: string;
beforeEach(async () => {
  stage = await createCliStage();
  dir = mkdtempSync(join(tmpdir(), 'ovr-validate-'));
});
afterEach(async () => {
  await stage.close();
  rmSync(dir, { recursive: true });
});

const NETWORK = 'apiVersion: ovr/v1\nkind: Network\nmetadata: {name: ovr0}\nspec: {}\n';
const container = (spec: string): string =>
  `apiVersion: ovr/v1\nkind: Container\nmetadata: {name: web}\nspec:\n  image: nginx:1.27\n  ${spec}\n`;

function put(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

/** Runs `ovr validate` on the folder, really. */
async function validate(flags = ''): Promise<{ code: number; stdout: string; stderr: string }> {
  const local = createLocal({ clock: systemClock, readStdin: () => Promise.resolve('') });
  const ran = await stage.run(`validate ${join(dir, 'm')} ${flags}`.trim(), { local });
  return { ...ran, stdout: ran.stdout.replaceAll(dir, 'D'), stderr: ran.stderr.replaceAll(dir, 'D') };
}

describe('ovr validate', () => {
  beforeEach(() => mkdirSync(join(dir, 'm')));

  const files: Record<'good' | 'warned' | 'bad', () => void> = {
    good: () => put('m/net.yaml', NETWORK),
    warned: () => put('m/web.yaml', container('networks: [nowhere]')),
    bad: () => put('m/bad.yaml', container('networks: [nowhere]\n  restrat: always')),
  };
  const table: [what: string, files: (keyof typeof files)[], flags: string, code: number][] = [
    ['good manifests', ['good'], '', 0],
    ['good manifests, strictly', ['good'], '--strict', 0],
    ['a warning', ['good', 'warned'], '', 0],
    ['a warning, strictly', ['good', 'warned'], '--strict', 1],
    ['an error', ['good', 'bad'], '', 1],
    ['an error, for GitHub', ['bad'], '-o github', 1],
    ['an error, as JUnit', ['bad'], '-o junit', 1],
    ['a warning, strictly, as JUnit', ['warned'], '-o junit --strict', 1],
    ['an output that does not exist', ['good'], '-o sarif', 2],
    ['a policy that does not exist', ['good'], '--policy /nonexistent/policy.yaml', 2],
  ];
  it.each(table)('on %s', async (_, made, flags, code) => {
    for (const name of made) files[name]();
    expect((await validate(flags)).code).toBe(code);
  });

  it('prints warnings as errors where it is strict', async () => {
    files.warned();
    const { stdout } = await validate('--strict');
    expect(stdout).toMatch(
      /^D\/m\/web\.yaml:6:14: error network-undeclared: .*\n1 object, 1 error, 0 warnings\n$/,
    );
    const data: unknown = JSON.parse((await validate('--strict -o json')).stdout);
    expect(data).toMatchObject({ errors: 1, warnings: 0, diagnostics: [{ severity: 'error' }] });
  });

  it('prints workflow commands for GitHub, and a summary', async () => {
    files.warned();
    put('m/bad.yaml', container('user: "100%"\n  restrat: always'));
    expect((await validate('-o github')).stdout.split('\n')).toEqual([
      expect.stringMatching(
        /^::error file=D\/m\/bad\.yaml,line=7,col=3,title=field-unknown::"restrat" is no field/,
      ),
      expect.stringMatching(/^::warning file=D\/m\/web\.yaml,line=6,col=14,title=network-undeclared::spec/),
      '1 object, 1 error, 1 warning',
      '',
    ]);
  });

  it('has a suite for every file as JUnit, and nothing but the report', async () => {
    for (const make of Object.values(files)) make();
    const report = parseXml((await validate('-o junit')).stdout);
    const [bad, net, web] = report.children;
    expect(report).toMatchObject({ name: 'testsuites', attributes: { tests: '3', failures: '1' } });
    expect(report.children.map(({ attributes }) => attributes['name'])).toEqual(
      ['bad', 'net', 'web'].map((name) => `D/m/${name}.yaml`),
    );
    expect(bad?.children[0]?.attributes).toMatchObject({
      name: 'field-unknown at 7:3',
      classname: 'D/m/bad.yaml',
    });
    expect(bad?.children[0]?.children[0]).toMatchObject({
      name: 'failure',
      attributes: { type: 'field-unknown' },
    });
    expect(net?.children).toMatchObject([{ name: 'testcase', attributes: { name: 'valid' }, children: [] }]);
    expect(web?.children.map(({ name }) => name)).toEqual(['testcase', 'system-out']);
    expect(web?.children[1]?.text).toContain('warning network-undeclared');
  });

  it('holds the manifests to a policy', async () => {
    files.warned();
    const policy = put(
      'policy.yaml',
      'apiVersion: ovr/v1\nkind: Policy\nrules:\n  - {rule: labels-required, action: deny, labels: [team]}\n' +
        '  - {rule: fields-required, action: warn, fields: [Container.healthcheck]}\n',
    );
    const { code, stdout } = await validate(`--policy ${policy}`);
    expect([code, stdout.split('\n')]).toEqual([
      1,
      [
        expect.stringContaining('warning network-undeclared'),
        'D/m/web.yaml:1:1: error policy-labels-required: Container/web: metadata.labels: the label team is required by the policy; add it',
        'D/m/web.yaml:1:1: warning policy-fields-required: Container/web: spec.healthcheck is required by the policy; set it',
        '1 object, 1 error, 2 warnings',
        '',
      ],
    ]);
    expect((await validate(`--policy ${policy} -o github`)).stdout).toContain(
      'title=policy-labels-required::',
    );
  });

  it('ends with 2 where the policy has mistakes, and says all of them', async () => {
    files.good();
    const policy = put(
      'policy.yaml',
      'apiVersion: ovr/v1\nkind: Policy\nrules:\n  - {rule: image-pined, action: deny}\n  - {rule: host-ports, action: stop}\n',
    );
    const { code, stdout, stderr } = await validate(`--policy ${policy}`);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/^ovr: D\/policy\.yaml:4:12: error value-unknown: .*did you mean image-pinned\?/),
      expect.stringMatching(
        /^ovr: D\/policy\.yaml:5:32: error value-unknown: rules\[1\]: action: .*deny, warn/,
      ),
      '',
    ]);
  });
});

/** Any text, and often one of what must be escaped. */
const any = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({ unit: fc.constantFrom('%', '\r', '\n', ':', ',', '=', '%25', '3A', 'a', ' '), maxLength: 30 }),
);
const diagnostic = fc.record({
  code: fc.constantFrom('yaml-syntax', 'policy-image-pinned'),
  severity: fc.constantFrom('error', 'warning'),
  file: any,
  line: fc.integer({ min: 1, max: 10_000 }),
  column: fc.integer({ min: 1, max: 200 }),
  message: any,
}) satisfies fc.Arbitrary<Diagnostic>;

/** As GitHub's runner does it. */
function unescape(text: string): string {
  return text
    .replaceAll('%0D', '\r')
    .replaceAll('%0A', '\n')
    .replaceAll('%3A', ':')
    .replaceAll('%2C', ',')
    .replaceAll('%25', '%');
}

describe('whatever is reported', () => {
  it('is escaped as workflow commands ask for: more in properties than in the message', () => {
    const found = { code: 'yaml-syntax', severity: 'error', line: 1, column: 2 } as const;
    expect(githubCommand({ ...found, file: 'a,b:c%\r\n.yaml', message: 'at 100%: a, b\r\nand %0A::' })).toBe(
      '::error file=a%2Cb%3Ac%25%0D%0A.yaml,line=1,col=2,title=yaml-syntax::at 100%25: a, b and %250A::',
    );
  });

  it('is one workflow command that says the same', () => {
    fc.assert(
      fc.property(diagnostic, (found) => {
        const parts =
          /^::(error|warning) file=([^,:\n\r]*),line=(\d+),col=(\d+),title=([^,:]*)::([^\n\r]*)$/.exec(
            githubCommand(found),
          );
        const { severity, line, column, code } = found;
        const [, level, file = '', ...rest] = parts ?? [];
        expect([level, ...rest.slice(0, 3)]).toEqual([severity, String(line), String(column), code]);
        expect([unescape(file), unescape(rest[3] ?? '')]).toEqual([found.file, oneLine(found.message)]);
      }),
    );
  });

  const shape: Readonly<Record<string, { attributes: string[]; children: string[] }>> = {
    testsuites: { attributes: ['name', 'tests', 'failures', 'errors', 'time'], children: ['testsuite'] },
    testsuite: {
      attributes: ['name', 'tests', 'failures', 'errors', 'time'],
      children: ['testcase', 'system-out'],
    },
    testcase: { attributes: ['name', 'classname', 'time'], children: ['failure'] },
    failure: { attributes: ['type', 'message'], children: [] },
    'system-out': { attributes: [], children: [] },
  };

  /** The rules of the JUnit schema that Jenkins and GitLab read by, as far as they concern these elements. */
  function checkShape(element: XmlElement): void {
    const rule = shape[element.name];
    expect(Object.keys(element.attributes), element.name).toEqual(rule?.attributes);
    const names = element.children.map(({ name }) => name);
    expect(names.filter((name) => rule?.children.includes(name) !== true)).toEqual([]);
    // Output comes last and once.
    expect(names.slice(0, -1)).not.toContain('system-out');
    element.children.forEach(checkShape);
  }

  it('is a well-formed JUnit report that counts right', () => {
    const files = fc.array(any, { maxLength: 3 });
    fc.assert(
      fc.property(files, fc.array(diagnostic, { maxLength: 8 }), (names, found) => {
        const report = parseXml(junitReport(names, found));
        checkShape(report);
        const all = new Set([...names, ...found.map(({ file }) => file)]);
        const errors = found.filter(({ severity }) => severity === 'error');
        expect(report.children).toHaveLength(all.size);
        expect(report.attributes['failures']).toBe(String(errors.length));
        const cases = report.children.flatMap((suite) =>
          suite.children.filter(({ name }) => name === 'testcase'),
        );
        expect(report.attributes['tests']).toBe(String(cases.length));
        const failures = cases.flatMap(({ children }) => children);
        expect(failures).toHaveLength(errors.length);
      }),
    );
  });

  it.each([
    '',
    '<a>',
    '<a></b>',
    '<a x="1" x="2"/>',
    '<a>&nbsp;</a>',
    '<a/><b/>',
    '<a>&</a>',
    '<a b=c/>',
    '<a>\u0001</a>',
  ])('is not taken for well-formed by mistake: %j', (body) => {
    expect(() => parseXml(`<?xml version="1.0" encoding="UTF-8"?>\n${body}`)).toThrow();
  });
});
