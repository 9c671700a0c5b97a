import type { ObjectKey } from '../../api/index.ts';
import type { DiagnosticCode } from '../codes.ts';
import type { AliasObject, ContainerObject, ManifestObject, NetworkObject } from '../objects.ts';
import type { ObjectPlaces, Place } from '../parsed-file.ts';

/** An object that may come into force. */
export interface Candidate<O extends ManifestObject = ManifestObject> {
  readonly object: O;
  readonly places?: ObjectPlaces;
  /** In force already: it stays whatever is found, and what is new beside it is to blame. */
  readonly isInForce: boolean;
}

/** All candidates, by kind. */
export interface Candidates {
  readonly networks: readonly Candidate<NetworkObject>[];
  readonly containers: readonly Candidate<ContainerObject>[];
  readonly aliases: readonly Candidate<AliasObject>[];
}

/** Sorts candidates by kind. */
export function byKind(candidates: Iterable<Candidate>): Candidates {
  const networks: Candidate<NetworkObject>[] = [];
  const containers: Candidate<ContainerObject>[] = [];
  const aliases: Candidate<AliasObject>[] = [];
  for (const candidate of candidates) {
    if (isOf(candidate, 'Network')) networks.push(candidate);
    else if (isOf(candidate, 'Container')) containers.push(candidate);
    else if (isOf(candidate, 'Alias')) aliases.push(candidate);
  }
  return { networks, containers, aliases };
}

/** What a cross check found about one object. */
export interface Finding {
  readonly key: ObjectKey;
  readonly code: DiagnosticCode;
  readonly file: string;
  readonly place: Place;
  readonly message: string;
}

/** A finding about a candidate, at a place within it or, where that is unknown, at its start. */
export function find(candidate: Candidate, code: DiagnosticCode, message: string, place?: Place): Finding {
  const { key, origin } = candidate.object;
  const { line, column } = place ?? origin;
  return { key, code, file: origin.file, place: { line, column }, message };
}

/** `nginx.yaml:3`, for a message about two objects. */
export function whereIs(candidate: Candidate, place: Place | undefined): string {
  const { file, line } = candidate.object.origin;
  return `${file}:${place?.line ?? line}`;
}

function isOf<K extends ManifestObject['kind']>(
  candidate: Candidate,
  kind: K,
): candidate is Candidate<Extract<ManifestObject, { kind: K }>> {
  return candidate.object.kind === kind;
}
