import { OvrError } from '../api/index.ts';
import type { ContainerSpec } from '../manifest/index.ts';
import type { Secrets } from './ports.ts';

/** The value of a variable that no manifest shows. */
export interface SecretValue {
  readonly name: string;
  readonly value: string;
}

/** The `NAME=value` lines of a container, and which of them are secret. Fails with `secret-unreadable`. */
export async function readEnv(
  spec: ContainerSpec,
  secrets: Secrets,
): Promise<{ env: readonly string[]; secrets: readonly SecretValue[] }> {
  const env: string[] = [];
  const read: SecretValue[] = [];
  const opened = spec.sealedBy === undefined ? undefined : await secrets.open(spec.sealedBy);
  for (const { name, value, file, sealed } of spec.env) {
    const own = sealed === undefined ? await readFile(file, secrets) : openedValue(name, opened);
    if (own !== undefined) read.push({ name, value: own });
    env.push(`${name}=${own ?? value ?? ''}`);
  }
  return { env, secrets: read };
}

async function readFile(file: string | undefined, secrets: Secrets): Promise<string | undefined> {
  return file === undefined ? undefined : secrets.read(file);
}

function openedValue(name: string, opened: ReadonlyMap<string, string> | undefined): string {
  const value = opened?.get(name);
  if (value !== undefined) return value;
  const message = `the decrypted manifest has no text as the value of ${name}; put one there with sops`;
  throw new OvrError('secret-unreadable', 'waiting', message);
}
