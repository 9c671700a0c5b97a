import { Option } from 'commander';
import { formatDiagnostic } from '../../pkg/api/index.ts';
import type { Revision } from '../../pkg/manifest/index.ts';
import type { CliContext } from './context.ts';
import { count, oneLine } from './render/text.ts';

/** What verbs are given that read manifests. */
export interface ManifestOptions {
  readonly filename: readonly string[];
  readonly recursive: boolean;
}

/** The option that goes with `-f` and with paths of manifests. */
export function recursiveOption(): Option {
  return new Option('-R, --recursive', 'Folders below the given ones too').default(false);
}

/** The manifests at the paths. Mistakes go to stderr; with an error among them there is nothing to work with, so it fails. */
export async function loadManifests(
  context: CliContext,
  { filename, recursive }: ManifestOptions,
): Promise<Revision> {
  const { revision, diagnostics } = await context.local.readManifests(filename, { recursive });
  for (const diagnostic of diagnostics) context.stderr.write(`${oneLine(formatDiagnostic(diagnostic))}\n`);
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  if (errors > 0) throw new Error(`the manifests have ${count(errors, 'error')}: mend them first`);
  return revision;
}

/** Collects a flag that may be given several times. */
export function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}
