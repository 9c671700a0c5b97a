import { formatDiagnostic, type Diagnostic } from '../../../pkg/api/index.ts';
import { oneLine } from './text.ts';

/** Everything that XML 1.0 cannot hold, not even escaped; half a surrogate pair as well. */
const FORBIDDEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/**
 * A JUnit report: a suite for each file, a failed case for each error in it, one that passes for a file without. JUnit knows no
 * warnings, so they are in the output of their suite.
 */
export function junitReport(files: readonly string[], diagnostics: readonly Diagnostic[]): string {
  const byFile = Map.groupBy(diagnostics, ({ file }) => file);
  const suites = [...new Set([...files, ...byFile.keys()])].map((file) =>
    suiteOf(file, byFile.get(file) ?? []),
  );
  const totals = {
    tests: sum(suites.map(({ cases }) => cases)),
    failures: sum(suites.map(({ failures }) => failures)),
  };
  const body = suites.map(({ xml }) => xml).join('');
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="ovr validate"${countsOf(totals)}>\n${body}</testsuites>\n`;
}

interface Suite {
  readonly xml: string;
  readonly cases: number;
  readonly failures: number;
}

function suiteOf(file: string, diagnostics: readonly Diagnostic[]): Suite {
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const warnings = diagnostics.filter(({ severity }) => severity === 'warning').map(textOf);
  const cases = errors.length === 0 ? [`    <testcase${named('valid', file)}/>\n`] : errors.map(failedCase);
  const output = warnings.length === 0 ? '' : `    <system-out>${escape(warnings.join('\n'))}</system-out>\n`;
  const counts = { tests: cases.length, failures: errors.length };
  return {
    xml: `  <testsuite name="${escape(file)}"${countsOf(counts)}>\n${cases.join('')}${output}  </testsuite>\n`,
    cases: counts.tests,
    failures: counts.failures,
  };
}

function failedCase(diagnostic: Diagnostic): string {
  const { file, line, column, code, message } = diagnostic;
  const failure = `<failure type="${escape(code)}" message="${escape(message)}">${escape(textOf(diagnostic))}</failure>`;
  return `    <testcase${named(`${code} at ${line}:${column}`, file)}>${failure}</testcase>\n`;
}

function named(name: string, file: string): string {
  return ` name="${escape(name)}" classname="${escape(file)}" time="0"`;
}

function countsOf({ tests, failures }: { tests: number; failures: number }): string {
  return ` tests="${tests}" failures="${failures}" errors="0" time="0"`;
}

function textOf(diagnostic: Diagnostic): string {
  return oneLine(formatDiagnostic(diagnostic));
}

function escape(text: string): string {
  return text
    .replaceAll(FORBIDDEN, '\ufffd')
    .replaceAll(/[&<>"\t\n\r]/g, (found) => ENTITIES[found] ?? found);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
