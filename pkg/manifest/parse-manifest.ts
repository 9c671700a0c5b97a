import type { Diagnostic } from '../api/index.ts';
import { DIAGNOSTIC_CODES, type DiagnosticCode } from './codes.ts';
import type { ManifestObject } from './objects.ts';
import { parseDocument, type DocumentResult } from './parse-document.ts';
import type { ObjectPlaces, ParsedFile } from './parsed-file.ts';
import {
  MAX_DOCUMENTS,
  MAX_DOCUMENT_BYTES,
  MAX_FILE_BYTES,
  MAX_PROBLEMS,
  splitDocuments,
  utf8Bytes,
  type Chunk,
  type Variables,
} from './text/index.ts';

const NO_VARIABLES: Variables = new Map();
const BYTE_ORDER_MARK = '\ufeff';
const REPLACEMENT = '\ufffd';
/** Everything below a space but tab, line feed and carriage return. */
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/**
 * Reads one manifest file, YAML or JSON: its valid objects, and everything wrong with it. Pure, and never throws. Work is
 * bounded by the limits of text/limits.ts, all measured before the part they protect.
 * @param variables for the documents that ask for them
 */
export function parseManifest(text: string, file: string, variables = NO_VARIABLES): ParsedFile {
  const content = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  const refusal = refusalOf(content, file);
  if (refusal) return { objects: [], diagnostics: [refusal], places: [] };
  const chunks = splitDocuments(content);
  if (chunks.length > MAX_DOCUMENTS) {
    const message = `the file has ${chunks.length} documents; the most is ${MAX_DOCUMENTS}, so split it`;
    return { objects: [], diagnostics: [at(file, 1, 'too-many-documents', message)], places: [] };
  }
  return parseChunks(chunks, file, variables);
}

function parseChunks(chunks: readonly Chunk[], file: string, variables: Variables): ParsedFile {
  const objects: ManifestObject[] = [];
  const places: ObjectPlaces[] = [];
  const diagnostics: Diagnostic[] = [];
  let usesVariables = false;
  for (const chunk of chunks) {
    const result = isTooLarge(chunk)
      ? refuse(chunk, file)
      : parseDocument(chunk, { file, variables, isAlone: chunks.length === 1 });
    usesVariables ||= result.usesVariables === true;
    diagnostics.push(...result.diagnostics.slice(0, MAX_PROBLEMS - diagnostics.length));
    if (result.declared) {
      objects.push(result.declared.object);
      places.push(result.declared.places);
    }
    if (diagnostics.length < MAX_PROBLEMS) continue;
    const message = `more than ${MAX_PROBLEMS} problems; correct these first, the rest was not read`;
    diagnostics.push(at(file, chunk.line + 1, 'too-many-problems', message));
    break;
  }
  return { objects, diagnostics, places, ...(usesVariables ? { usesVariables } : {}) };
}

function refusalOf(text: string, file: string): Diagnostic | undefined {
  if (utf8Bytes(text) > MAX_FILE_BYTES) {
    return at(file, 1, 'file-too-large', `the file is larger than ${MAX_FILE_BYTES / 2 ** 20} MiB; split it`);
  }
  if (text.includes(REPLACEMENT) || looksLikeUtf16(text)) {
    return at(file, 1, 'encoding-invalid', 'the file is not UTF-8 text; save it as UTF-8');
  }
  const index = text.search(CONTROL);
  if (index < 0) return undefined;
  const code = text.charCodeAt(index).toString(16).padStart(2, '0');
  const line = text.slice(0, index).split('\n').length;
  const column = index - text.lastIndexOf('\n', index);
  const message = `the file holds the control character 0x${code}; remove it`;
  return { ...at(file, line, 'control-character', message), column };
}

/** ASCII in UTF-16 has a NUL in every other place. */
function looksLikeUtf16(text: string): boolean {
  return text.length >= 4 && (/^\0[^\0]\0[^\0]/.test(text) || /^[^\0]\0[^\0]\0/.test(text));
}

function isTooLarge(chunk: Chunk): boolean {
  return utf8Bytes(chunk.text) > MAX_DOCUMENT_BYTES;
}

function refuse(chunk: Chunk, file: string): DocumentResult {
  const message = `the document is larger than ${MAX_DOCUMENT_BYTES / 1024} KiB; no object needs that`;
  return { diagnostics: [at(file, chunk.line + 1, 'document-too-large', message)] };
}

function at(file: string, line: number, code: DiagnosticCode, message: string): Diagnostic {
  return { code, severity: DIAGNOSTIC_CODES[code], file, line, column: 1, message };
}
