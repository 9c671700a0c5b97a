import { compareStrings, splitKey, type Diagnostic, type Kind, type ObjectKey } from '../../api/index.ts';
import { DIAGNOSTIC_CODES } from '../codes.ts';
import { revisionDigest } from '../digest.ts';
import type { ManifestObject } from '../objects.ts';
import type { ParsedFile } from '../parsed-file.ts';
import type { Revision } from '../revision.ts';
import { addressErrors } from './addresses.ts';
import { aliasConflicts, aliasWarnings } from './aliases.ts';
import { byKind, find, whereIs, type Candidate, type Candidates, type Finding } from './candidate.ts';
import { dependencyCycles, undeclaredDependencies } from './dependencies.ts';
import { portConflicts } from './ports.ts';
import { overlappingSubnets } from './subnets.ts';
import { undeclaredNetworks } from './undeclared.ts';

/** A parsed file under the name that orders it among the others. */
export interface NamedFile extends ParsedFile {
  readonly file: string;
}

/** The revision of all files, and what is wrong between them. What is wrong within a file is in the file. */
export interface Assembly {
  readonly revision: Revision;
  readonly diagnostics: readonly Diagnostic[];
}

/** Putting back one object can uncover a clash with another one; what is left after these rounds the engine refuses itself. */
const MAX_ROUNDS = 8;

/**
 * Merges files into one revision. An object declared twice, or one that cannot stand beside the others, does not come into
 * force: its version in `previous` stays, and without one its key is undecided. The order of `files` means nothing.
 * @param undecided keys that were left undecided before, where the files themselves are merged already
 */
export function assemble(
  files: readonly NamedFile[],
  previous?: Revision,
  undecided: ReadonlySet<ObjectKey> = new Set(),
): Assembly {
  const steps = assembling(files, previous, undecided);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** As `assemble`, and whoever has an event loop can let it turn between the steps: each takes milliseconds for ten thousand objects. */
export function* assembling(
  files: readonly NamedFile[],
  previous?: Revision,
  undecided: ReadonlySet<ObjectKey> = new Set(),
): Generator<undefined, Assembly, undefined> {
  const sorted = [...files].sort((a, b) => compareStrings(a.file, b.file));
  const declared = sorted.flatMap(candidatesOf);
  yield;
  const peaceful = yield* assemblingPeaceful(declared, undecided, previous);
  if (peaceful) return peaceful;
  const merger = new Merger(previous, undecided);
  merger.declare(declared);
  yield;
  merger.settle();
  yield;
  merger.warn();
  yield;
  return merger.result();
}

/** The usual case in the fewest steps, since each changed file of ten thousand comes by here; undefined where anything is in dispute. */
function* assemblingPeaceful(
  declared: readonly Candidate[],
  undecided: ReadonlySet<ObjectKey>,
  previous: Revision | undefined,
): Generator<undefined, Assembly | undefined, undefined> {
  const objects = replaced(declared, previous) ?? sortedByKey(declared.map(({ object }) => object));
  if (objects.size < declared.length) return undefined;
  yield;
  const candidates = byKind(declared);
  if (errorsAmong(candidates).length > 0) return undefined;
  yield;
  const findings = warningsAmong(candidates, undecided);
  yield;
  const assembly = finish(objects, undecided, findings);
  declaredBefore.set(assembly.revision, declared);
  return assembly;
}

/** Objects that cannot stand beside the others. */
function errorsAmong(candidates: Candidates): Finding[] {
  return [
    ...overlappingSubnets(candidates.networks),
    ...addressErrors(candidates),
    ...aliasConflicts(candidates),
    ...dependencyCycles(candidates.containers),
  ];
}

function warningsAmong(candidates: Candidates, undecided: ReadonlySet<ObjectKey>): Finding[] {
  const { networks, containers } = candidates;
  return [
    ...portConflicts(containers),
    ...undeclaredNetworks(containers, namesOf(networks, 'Network', undecided)),
    ...undeclaredDependencies(containers, () => namesOf(containers, 'Container', undecided)),
    ...aliasWarnings(candidates),
  ];
}

/** Of the objects of a kind that are declared, decided or not. */
function namesOf(
  candidates: readonly Candidate[],
  kind: Kind,
  undecided: ReadonlySet<ObjectKey>,
): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { object } of candidates) names.add(object.name);
  for (const key of undecided) {
    const open = splitKey(key);
    if (open.kind === kind) names.add(open.name);
  }
  return names;
}

/** What was declared when a revision was made without any dispute, in the order of files. */
const declaredBefore = new WeakMap<Revision, readonly Candidate[]>();

/** The objects before with some of them in newer versions; undefined when more than that has changed. */
function replaced(
  declared: readonly Candidate[],
  previous: Revision | undefined,
): Map<ObjectKey, ManifestObject> | undefined {
  const before = previous && declaredBefore.get(previous);
  const newer = before && newerAmong(declared, before);
  if (newer === undefined) return undefined;
  const objects = new Map(previous?.objects);
  for (const object of newer) objects.set(object.key, object);
  return objects;
}

/** Other versions at the places of what was there before; undefined when anything else is there. */
function newerAmong(
  declared: readonly Candidate[],
  before: readonly Candidate[],
): readonly ManifestObject[] | undefined {
  if (declared.length !== before.length) return undefined;
  const newer: ManifestObject[] = [];
  // The same one at the same place is seen without a look at it: ten thousand looks would take ten milliseconds.
  for (let place = 0; place < declared.length; place++) {
    if (declared[place] === before[place]) continue;
    const object = declared[place]?.object;
    if (!object || object.key !== before[place]?.object.key) return undefined;
    newer.push(object);
  }
  return newer;
}

function sortedByKey(objects: readonly ManifestObject[]): Map<ObjectKey, ManifestObject> {
  const byKey = new Map<ObjectKey, ManifestObject>();
  for (const object of [...objects].sort((a, b) => compareStrings(a.key, b.key)))
    byKey.set(object.key, object);
  return byKey;
}

function finish(
  objects: ReadonlyMap<ObjectKey, ManifestObject>,
  open: ReadonlySet<ObjectKey>,
  findings: readonly Finding[],
): Assembly {
  const undecided = new Set([...open].sort(compareStrings));
  const revision = { digest: revisionDigest({ objects, undecided }), objects, undecided };
  return { revision, diagnostics: findings.map(toDiagnostic).sort(byPlace) };
}

/** The state of one merge. */
class Merger {
  readonly #previous: Revision | undefined;
  readonly #candidates = new Map<ObjectKey, Candidate>();
  readonly #undecided: Set<ObjectKey>;
  readonly #findings: Finding[] = [];

  constructor(previous: Revision | undefined, undecided: ReadonlySet<ObjectKey>) {
    this.#previous = previous;
    this.#undecided = new Set(undecided);
  }

  declare(declared: readonly Candidate[]): void {
    const repeated = new Map<ObjectKey, Candidate[]>();
    for (const candidate of declared) {
      const { key } = candidate.object;
      const first = this.#candidates.get(key);
      if (!first) this.#candidates.set(key, candidate);
      else if (!repeated.get(key)?.push(candidate)) repeated.set(key, [first, candidate]);
    }
    for (const [key, places] of repeated) {
      this.#findings.push(...duplicates(places));
      this.#undecided.add(key);
      this.#putBack(key);
    }
  }

  settle(): void {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const errors = errorsAmong(byKind(this.#candidates.values()));
      if (errors.length === 0) return;
      this.#findings.push(...errors);
      for (const key of new Set(errors.map((error) => error.key))) {
        if (!this.#putBack(key)) this.#undecided.add(key);
      }
    }
  }

  warn(): void {
    this.#findings.push(...warningsAmong(byKind(this.#candidates.values()), this.#undecided));
  }

  result(): Assembly {
    const objects = sortedByKey([...this.#candidates.values()].map(({ object }) => object));
    return finish(objects, this.#undecided, this.#findings);
  }

  /** The version in force instead of the declared one, if there is one. */
  #putBack(key: ObjectKey): boolean {
    const object = this.#previous?.objects.get(key);
    if (object) this.#candidates.set(key, { object, isInForce: true });
    else this.#candidates.delete(key);
    return object !== undefined;
  }
}

/** Kept with the files: ten thousand new ones for each changed file would be most of the garbage. */
const candidatesBefore = new WeakMap<NamedFile, readonly Candidate[]>();

function candidatesOf(file: NamedFile): readonly Candidate[] {
  const known = candidatesBefore.get(file);
  if (known !== undefined) return known;
  const { objects, places } = file;
  const fresh = objects.map((object, index): Candidate => {
    const own = places?.[index];
    return own ? { object, places: own, isInForce: false } : { object, isInForce: false };
  });
  candidatesBefore.set(file, fresh);
  return fresh;
}

function duplicates(declarations: readonly Candidate[]): Finding[] {
  return declarations.flatMap((candidate, index) => {
    const other = declarations[index === 0 ? 1 : 0];
    if (!other) return [];
    const there = whereIs(other, other.places?.name);
    const message = `${candidate.object.key} is declared at ${there} too; keep one of them (until then neither counts)`;
    return [find(candidate, 'duplicate-object', message, candidate.places?.name)];
  });
}

function toDiagnostic({ code, file, place, message }: Finding): Diagnostic {
  return { code, severity: DIAGNOSTIC_CODES[code], file, ...place, message };
}

function byPlace(a: Diagnostic, b: Diagnostic): number {
  return (
    compareStrings(a.file, b.file) || a.line - b.line || a.column - b.column || compareStrings(a.code, b.code)
  );
}
