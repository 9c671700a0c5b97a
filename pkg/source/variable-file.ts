import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import type { Diagnostic } from '../api/index.ts';
import { decode, NOT_UTF8 } from './load.ts';
import { unreadable } from './look.ts';
import { printOf } from './print.ts';
import { fileDiagnostic, type Refusal } from './sighting.ts';

/** Bytes of one file. */
const MAX_BYTES = 64 * 1024;
/** Bytes of one value, as long as the longest field. */
const MAX_VALUE_BYTES = 8 * 1024;
const MAX_VARIABLES = 1_000;
/** A pipe has no content to come back to, so it is not waited for. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/;

/** One file of variables, as it was read. */
export type VariableFileRead = { readonly file: string } & (
  | { readonly text: string; readonly print: string; readonly changedMs: number }
  | { readonly refusal: Refusal }
);

/** Reads files of variables. Runs in the worker thread, so it may block. Never throws. */
export function readVariableFiles(files: readonly string[]): VariableFileRead[] {
  return files.map((file) => {
    try {
      return { file, ...readOne(file) };
    } catch (error) {
      return { file, refusal: unreadable(error) };
    }
  });
}

function readOne(file: string): { text: string; print: string; changedMs: number } | { refusal: Refusal } {
  const descriptor = openSync(file, OPEN_FLAGS);
  try {
    const stat = fstatSync(descriptor, { bigint: true });
    if (!stat.isFile()) return { refusal: NOT_REGULAR };
    if (stat.size > MAX_BYTES) return { refusal: TOO_LARGE };
    const text = decode(readFileSync(descriptor));
    if (text === undefined) return { refusal: NOT_UTF8 };
    return { text, print: printOf(stat), changedMs: Number(stat.ctimeMs) };
  } finally {
    closeSync(descriptor);
  }
}

/** The variables of a text of `NAME=VALUE` lines. What is wrong is told by line and name; a value is never shown. */
export function parseVariables(
  text: string,
  file: string,
): { values: Map<string, string>; diagnostics: Diagnostic[] } {
  const values = new Map<string, string>();
  const diagnostics: Diagnostic[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/\r$/, '');
    if (line.trim() === '' || line.startsWith('#')) continue;
    const equals = line.indexOf('=');
    const [name, value] = [line.slice(0, Math.max(equals, 0)), line.slice(equals + 1)];
    const mistake = mistakeOf(name, value, values);
    if (mistake === undefined) values.set(name, value);
    else diagnostics.push({ ...fileDiagnostic(file, 'variables-invalid', mistake), line: index + 1 });
  }
  return { values, diagnostics };
}

function mistakeOf(name: string, value: string, known: ReadonlyMap<string, string>): string | undefined {
  if (!NAME.test(name)) {
    return 'the line is not NAME=VALUE, with a name of letters, digits and _ that does not begin with a digit, and no space around =';
  }
  if (known.has(name)) return `${name} is set twice; keep one of the lines`;
  if (known.size >= MAX_VARIABLES) return `there are more than ${MAX_VARIABLES} variables; remove some`;
  return valueMistake(name, value);
}

/** Why a value cannot be used; undefined when it can. */
function valueMistake(name: string, value: string): string | undefined {
  if (Buffer.byteLength(value) > MAX_VALUE_BYTES)
    return `the value of ${name} is larger than ${MAX_VALUE_BYTES / 1024} KiB; make it shorter`;
  return CONTROL.test(value) ? `the value of ${name} holds a control character; remove it` : undefined;
}

const NOT_REGULAR: Refusal = {
  code: 'file-not-regular',
  message: 'it is not a regular file and is not read; name a file of NAME=VALUE lines',
  retry: true,
};
const TOO_LARGE: Refusal = {
  code: 'file-too-large',
  message: `the file is larger than ${MAX_BYTES / 1024} KiB and is not read; variables are short`,
  retry: true,
};
