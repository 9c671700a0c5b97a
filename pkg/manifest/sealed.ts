import type { ContainerSpec, EnvVar } from './objects.ts';
import { fieldName, type Finding, type ParsedDocument } from './schema/index.ts';

/** The field that sops adds. */
const FIELD = 'sops';
const ENCRYPTED = /^ENC\[AES256_GCM,/;
const ENV_VALUE: readonly (string | undefined)[] = ['spec', 'env', undefined, 'value'];

/** A document without what sops has added. */
interface Sealed {
  readonly content: unknown;
  /** Whether sops has encrypted it. */
  readonly isSealed: boolean;
  /** Why it cannot be used encrypted as it is. */
  readonly findings: readonly Finding[];
}

/** How the document is used. */
interface Use {
  /** It is all that its file has. */
  readonly isAlone: boolean;
  readonly hasVariables: boolean;
}

/**
 * Takes apart what sops has encrypted. Nothing is decrypted here: only texts of `env` may be encrypted, and they stay so until the
 * container is made. Everything else is plain, so it can be checked, compared and shown as ever.
 */
export function unseal(value: unknown, use: Use): Sealed {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, FIELD))
    return { content: value, isSealed: false, findings: [] };
  const content = Object.fromEntries(Object.entries(value).filter(([name]) => name !== FIELD));
  const findings = [...misuses(use), ...misplaced(content, [])];
  return { content, isSealed: true, findings };
}

/** The document with its encrypted values sealed. `text` is the whole file. */
export function seal(document: ParsedDocument, text: string): ParsedDocument {
  if (document.kind !== 'Container') return document;
  const env = document.spec.env.map((entry): EnvVar =>
    isEncrypted(entry.value) ? { name: entry.name, sealed: entry.value } : entry,
  );
  if (!env.some(({ sealed }) => sealed !== undefined)) return document;
  const spec: ContainerSpec = { ...document.spec, env, sealedBy: text };
  return { ...document, spec };
}

function misuses({ isAlone, hasVariables }: Use): Finding[] {
  const what = [
    ...(isAlone
      ? []
      : ['an encrypted manifest must be alone in its file, since sops checks files as a whole; move it']),
    ...(hasVariables
      ? ['variables do not work in an encrypted manifest; take ovr/substitute out, or split the object']
      : []),
  ];
  return what.map((message) => ({ code: 'sops-invalid', path: [FIELD], message, atKey: true }));
}

function misplaced(value: unknown, path: readonly PropertyKey[]): Finding[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => misplaced(item, [...path, index]));
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([field, part]) => misplaced(part, [...path, field]));
  if (!isEncrypted(value) || isEnvValue(path)) return [];
  const message = `${fieldName(path)}: is encrypted, and only values of env may be; encrypt the file with --encrypted-regex '^value$'`;
  return [{ code: 'sops-invalid', path, message, atKey: false }];
}

function isEnvValue(path: readonly PropertyKey[]): boolean {
  return (
    path.length === ENV_VALUE.length &&
    path.every((segment, index) => ENV_VALUE[index] === undefined || ENV_VALUE[index] === segment)
  );
}

function isEncrypted(value: unknown): value is string {
  return typeof value === 'string' && ENCRYPTED.test(value);
}
