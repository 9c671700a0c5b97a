import type { Diagnostic } from '../api/index.ts';
import type { ManifestObject } from './objects.ts';

/** What one file declares, and everything wrong with it. Plain data, so it can cross threads. */
export interface ParsedFile {
  /** The valid ones; what an invalid document means to declare is not among them. */
  readonly objects: readonly ManifestObject[];
  readonly diagnostics: readonly Diagnostic[];
  /** Of each object, in the same order; for diagnostics of `assemble`, which point at the object's start without. */
  readonly places?: readonly ObjectPlaces[];
  /** A document asks for variables: what the file declares changes with them. */
  readonly usesVariables?: true;
}

/** 1-based. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Where the fields of an object are that are compared with other objects. */
export interface ObjectPlaces {
  readonly name: Place;
  /** Of each network attachment. */
  readonly networks?: readonly Place[];
  /** Of each dependency. */
  readonly dependsOn?: readonly Place[];
  /** Of an alias. */
  readonly network?: Place;
  readonly ports?: Place;
  readonly subnet?: Place;
}
