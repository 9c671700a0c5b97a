import { errorMessage, type Diagnostic } from '../../api/index.ts';
import type { NamedFile, Variables } from '../../manifest/index.ts';
import {
  fileDiagnostic,
  type LoadRequest,
  type LoadResult,
  type Reader,
  type ReadRules,
} from '../sighting.ts';
import type { ManifestBlob } from './listing.ts';

/** Nobody writes into a tree. */
const AS_IT_IS: ReadRules = { checkWriters: 'never', acceptBlind: true, acceptUnterminated: true };

/** One file of a commit, read. */
export interface ReadFile extends ManifestBlob {
  /** Digest of its content. */
  readonly hash: string;
  readonly file: NamedFile;
}

/** Files read before, by blob and name: the same ones need no second look. */
export type KnownFiles = ReadonlyMap<string, ReadFile>;

export interface ReadRequest {
  /** Folder of the checked-out commit. */
  readonly tree: string;
  readonly files: readonly ManifestBlob[];
  readonly known: KnownFiles;
  readonly variables: Variables;
  /** How a file is called in diagnostics. */
  readonly fileOf: (name: string) => string;
}

export interface FilesRead {
  readonly files: readonly ReadFile[];
  /** What is wrong with files that could not be parsed at all. */
  readonly diagnostics: readonly Diagnostic[];
}

/** The tree does not hold what was put there. */
export class TreeDamage extends Error {}

/** Reads and parses the files of a checked-out commit, as far as they are not known. Fails with TreeDamage. */
export async function readFiles(reader: Reader, request: ReadRequest): Promise<FilesRead> {
  const { files, known, fileOf } = request;
  const byName = new Map(files.filter((file) => !known.has(keyOf(file))).map((file) => [file.name, file]));
  const loaded = new Map<string, ReadFile>();
  const diagnostics: Diagnostic[] = [];
  for (const result of await load(reader, request, byName)) {
    const blob = byName.get(result.name);
    const file = fileOf(result.name);
    if (blob && result.status === 'loaded') {
      loaded.set(keyOf(blob), { ...blob, hash: result.hash, file: { file, ...result.parsed } });
    } else if (result.status === 'refused' && !result.refusal.retry) {
      diagnostics.push(fileDiagnostic(file, result.refusal.code, result.refusal.message));
    } else {
      throw new TreeDamage(`${request.tree}/${result.name} cannot be read (${result.status})`);
    }
  }
  const all = files.flatMap((file) => known.get(keyOf(file)) ?? loaded.get(keyOf(file)) ?? []);
  return { files: all, diagnostics };
}

async function load(
  reader: Reader,
  { tree, fileOf, variables }: ReadRequest,
  wanted: ReadonlyMap<string, ManifestBlob>,
): Promise<readonly LoadResult[]> {
  if (wanted.size === 0) return [];
  const { sightings } = await reader
    .look({ dir: tree, names: [...wanted.keys()] })
    .catch((error: unknown) => {
      throw new TreeDamage(`${tree} cannot be read: ${errorMessage(error)}`);
    });
  const requests = sightings.map((sighting): LoadRequest => {
    if (sighting.kind === 'refused') throw new TreeDamage(`${sighting.name}: ${sighting.refusal.message}`);
    const { name, print, size } = sighting;
    return { name, file: fileOf(name), print, size, rules: AS_IT_IS };
  });
  if (requests.length < wanted.size) throw new TreeDamage(`${tree} lacks files`);
  return reader.load(tree, requests, variables);
}

/** Files by what identifies their content and their place. What one that asks for variables means, they change. */
export function knownFiles(files: readonly ReadFile[]): KnownFiles {
  return new Map(files.filter(({ file }) => !file.usesVariables).map((file) => [keyOf(file), file]));
}

function keyOf({ name, blob }: ManifestBlob): string {
  return `${blob} ${name}`;
}
