import { readFile } from 'node:fs/promises';

import { errorMessage } from '../../../pkg/api/index.ts';

/** What a JSON or YAML file holds. Fails with a message that names the file. */
export async function readDataFile(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new Error(`${path}: cannot be read (${codeOf(error)})`);
  });
  return parseJson(text) ?? parseYaml(path, text);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : errorMessage(error);
}

/** Most large files are JSON, which YAML's own parser takes long for. */
function parseJson(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function parseYaml(path: string, text: string): Promise<unknown> {
  const { LineCounter, parseDocument } = await import('yaml');
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const [mistake] = document.errors;
  if (mistake) {
    const { line } = lineCounter.linePos(mistake.pos[0]);
    throw new Error(`${path}:${line}: is not valid JSON or YAML: ${mistake.message}`);
  }
  return document.toJS();
}

/** Whether a value is a map with texts as keys. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
