import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DIAGNOSTIC_CODES, assemble, parseManifest, type DiagnosticCode } from './index.ts';

const page = readFileSync(new URL('../../docs/diagnostics.md', import.meta.url), 'utf8');

/** Everything reported about one file, within it and when it is put together. */
function diagnose(text: string): { code: string; severity: string }[] {
  const parsed = parseManifest(text, 'x.yaml');
  return [...parsed.diagnostics, ...assemble([{ file: 'x.yaml', ...parsed }]).diagnostics];
}

function header(kind: string, name: string, spec: string): string {
  return `apiVersion: ovr/v1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec:\n${spec.replaceAll(/^/gm, '  ')}\n`;
}

const frames: Record<string, (text: string) => string> = {
  document: (text) => text,
  container: (text) => header('Container', 'web', text),
  network: (text) => header('Network', 'ovr0', text),
};

/** Codes whose cause is too large or too odd to print in the page. */
const built: Partial<Record<DiagnosticCode, string>> = {
  'file-too-large': '#'.repeat(4 * 1024 * 1024 + 1),
  'document-too-large': header('Network', 'ovr0', `labels: {a: ${'x'.repeat(64 * 1024)}}`),
  'too-many-documents': '---\nx: 1\n'.repeat(10_001),
  'too-many-problems': `[${'&a &b x, '.repeat(200)}]`,
  'encoding-invalid': 'a\0p\0i\0V\0',
  'control-character': 'apiVersion: ovr\u0000/v1',
  'nesting-too-deep': '['.repeat(200),
};

interface Section {
  readonly code: string;
  readonly isWarning: boolean;
  readonly example?: string;
}

const documented = page
  .slice(0, page.indexOf('## Files and folders'))
  .split(/^### /m)
  .slice(1)
  .map((section): Section => {
    const code = /^`([a-z-]+)`$/m.exec(section)?.[1] ?? '';
    const isWarning = /^Warning\./m.test(section);
    const fence = /^```yaml (\w+)\n(.*?)^```$/ms.exec(section);
    const example = fence && frames[fence[1] ?? '']?.(fence[2]?.trimEnd() ?? '');
    return typeof example === 'string' ? { code, isWarning, example } : { code, isWarning };
  });

describe('docs/diagnostics.md', () => {
  it('explains every code, and no other', () => {
    expect(documented.map(({ code }) => code).sort()).toEqual(Object.keys(DIAGNOSTIC_CODES).sort());
  });

  it('says which ones are warnings', () => {
    const warnings = documented.filter(({ isWarning }) => isWarning).map(({ code }) => code);
    const expected = Object.entries(DIAGNOSTIC_CODES).filter(([, severity]) => severity === 'warning');
    expect(warnings.sort()).toEqual(expected.map(([code]) => code).sort());
  });

  it.each(documented)('has an example that causes $code', ({ code, isWarning, example }) => {
    const text = example ?? new Map(Object.entries(built)).get(code);
    expect(text, 'an example in the page, or one built here').toBeDefined();
    const found = diagnose(text ?? '');
    expect(found.map((entry) => entry.code)).toContain(code);
    const severity = isWarning ? 'warning' : 'error';
    expect(found.filter((entry) => entry.code === code).every((entry) => entry.severity === severity)).toBe(
      true,
    );
  });

  it.each(documented.filter(({ example }) => example !== undefined))(
    'has an example for $code that causes nothing else',
    ({ code, example }) => {
      const codes = new Set(diagnose(example ?? '').map((entry) => entry.code));
      // Unused networks are none of most examples' business.
      if (code !== 'network-undeclared') codes.delete('network-undeclared');
      expect([...codes]).toEqual([code]);
    },
  );
});
