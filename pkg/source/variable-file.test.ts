import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseVariables, readVariableFiles } from './variable-file.ts';

describe('parseVariables', () => {
  it('takes everything behind = as it is', () => {
    const text = '# site\n\nA=1\r\n_b2= two words \nC="x=y" # no comment\nD=\n';
    const { values, diagnostics } = parseVariables(text, 'v');
    expect(diagnostics).toEqual([]);
    expect([...values]).toEqual([
      ['A', '1'],
      ['_b2', ' two words '],
      ['C', '"x=y" # no comment'],
      ['D', ''],
    ]);
  });

  it.each([
    ['no =', 'geheim', 'the line is not NAME=VALUE, '],
    ['no name', '=geheim', 'the line is not NAME=VALUE, '],
    ['a space before =', 'A =geheim', 'the line is not NAME=VALUE, '],
    ['another name', 'A-B=geheim', 'the line is not NAME=VALUE, '],
    ['export', 'export A=geheim', 'the line is not NAME=VALUE, '],
    ['a name twice', 'X=geheim', 'X is set twice; '],
    ['a control character', 'A=geheim\u0007', 'the value of A holds a control character; '],
    ['a long value', `A=geheim${'x'.repeat(8 * 1024)}`, 'the value of A is larger than 8 KiB; '],
  ])('refuses %s and shows no value', (_, line, message) => {
    const { diagnostics } = parseVariables(`X=1\n${line}\n`, 'v');
    expect(diagnostics).toMatchObject([{ code: 'variables-invalid', severity: 'error', file: 'v', line: 2 }]);
    expect(diagnostics[0]?.message).toContain(message);
    expect(JSON.stringify(diagnostics)).not.toContain('geheim');
  });

  it('takes a thousand and no more', () => {
    const lines = Array.from({ length: 1_002 }, (_, index) => `A${index}=x`).join('\n');
    const { values, diagnostics } = parseVariables(lines, 'v');
    expect([values.size, diagnostics.map(({ line }) => line)]).toEqual([1_000, [1_001, 1_002]]);
  });
});

describe('readVariableFiles', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'ovr-vars-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('reads each and says why one cannot be', () => {
    const path = (name: string): string => join(dir, name);
    writeFileSync(path('good'), 'A=1\n');
    writeFileSync(path('large'), 'x'.repeat(64 * 1024 + 1));
    writeFileSync(path('bytes'), Buffer.from([0x41, 0x3d, 0xff]));
    mkdirSync(path('folder'));
    execFileSync('mkfifo', [path('pipe')]);
    const names = ['good', 'absent', 'large', 'bytes', 'folder', 'pipe'];
    const reads = readVariableFiles(names.map(path));
    expect(reads.map((read) => ('refusal' in read ? read.refusal.code : read.text))).toEqual([
      'A=1\n',
      'file-unreadable',
      'file-too-large',
      'encoding-invalid',
      'file-not-regular',
      'file-not-regular',
    ]);
  });
});
