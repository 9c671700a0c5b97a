import { Option } from 'commander';

import type { Output } from '../context.ts';

const FORMATS = ['table', 'wide', 'json', 'yaml'] as const;
export type Format = (typeof FORMATS)[number] | 'name';

/** The flag `-o`; `name` only where names make sense. */
export function outputOption(withName = false): Option {
  const choices = withName ? [...FORMATS, 'name'] : FORMATS;
  return new Option('-o, --output <FORMAT>', 'How to print').choices(choices).default('table');
}

/** Prints data when the format asks for data; returns whether it did. */
export async function printData(stdout: Output, format: Format, data: unknown): Promise<boolean> {
  if (format === 'json') stdout.write(`${JSON.stringify(data, null, 2)}\n`);
  else if (format === 'yaml') stdout.write(await toYaml(data));
  else return false;
  return true;
}

/** A YAML document. */
export async function toYaml(data: unknown): Promise<string> {
  const { stringify } = await import('yaml');
  return stringify(data, { aliasDuplicateObjects: false });
}
