/**
 * A stand-in for sops where sops itself cannot be had: a program of that name with the same command line, the same places for its key
 * and its input, and the same exit codes. What it calls encryption is base64 backwards, so it says nothing about sops' own.
 */
import { createHash } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const YAML = resolve(import.meta.dirname, '../../node_modules/yaml');
/** What a file of age keys must have for the stand-in. */
export const STAND_IN_KEY = 'AGE-SECRET-KEY-1STANDIN';

/** Where the stand-in finds what it runs on. */
interface Ground {
  readonly node: string;
  /** The package. */
  readonly yaml: string;
}

const HERE: Ground = { node: process.execPath, yaml: YAML };

const programOn = ({ node, yaml }: Ground): string => `#!${node}
const { createHash } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { parse } = require(${JSON.stringify(yaml)});
const form = /^--decrypt --input-type (?:yaml|json) --output-type json \\/dev\\/stdin$/;
if (!form.test(process.argv.slice(2).join(' '))) process.exit(1);
if (Object.keys(process.env).some((name) => name !== 'PATH' && name !== 'SOPS_AGE_KEY_FILE')) process.exit(2);
let key = '';
try { key = readFileSync(process.env.SOPS_AGE_KEY_FILE ?? '', 'utf8'); } catch {}
if (!key.includes('${STAND_IN_KEY}')) process.exit(128);
const { sops, ...document } = parse(readFileSync('/dev/stdin', 'utf8'));
const hash = createHash('sha256');
const open = (value) => {
  if (Array.isArray(value)) return value.map(open);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, open(part)]));
  const [, data] = /^ENC\\[AES256_GCM,data:([^,]*),/.exec(String(value)) ?? [];
  const plain = data === undefined ? value : Buffer.from(data, 'base64').reverse().toString();
  hash.update(JSON.stringify(plain));
  return plain;
};
const opened = open(document);
process.stderr.write('a stand-in that tells everything: ' + JSON.stringify(opened) + '\\n');
if (hash.digest('hex') !== sops.mac) process.exit(51);
process.stdout.write(JSON.stringify(opened));
`;

/** Puts the stand-in into a folder, which is made. */
export async function installSopsStandIn(folder: string, ground = HERE): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'sops'), programOn(ground));
  await chmod(join(folder, 'sops'), 0o755);
}

/** A text as it stands in an encrypted manifest. */
export function sealedText(plain: string): string {
  return `ENC[AES256_GCM,data:${Buffer.from(plain).reverse().toString('base64')},iv:AAAA,tag:AAAA,type:str]`;
}

/** What sops adds to a document whose values are these, in order, as plain text. */
export function sopsMetadata(document: object): object {
  const hash = createHash('sha256');
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
    else hash.update(JSON.stringify(plainOf(value)));
  };
  visit(document);
  return { age: [{ recipient: 'age1standin', enc: 'AAAA' }], mac: hash.digest('hex'), version: '3.9.0' };
}

function plainOf(value: unknown): unknown {
  const [, data] = /^ENC\[AES256_GCM,data:([^,]*),/.exec(String(value)) ?? [];
  return data === undefined ? value : Buffer.from(data, 'base64').reverse().toString();
}
