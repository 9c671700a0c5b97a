import type { Diagnostic } from '../api/index.ts';
import type { ParsedFile, Variables } from '../manifest/index.ts';
import { FILE_CODES, type FileCode } from './codes.ts';
import type { VariableFileRead } from './variable-file.ts';

/** One name in a folder, as a look from outside shows it; nothing was opened. */
export type Sighting =
  | {
      readonly kind: 'file';
      readonly name: string;
      /** Changes with every write, rename or change of mode: device, inode, size and both times in nanoseconds. */
      readonly print: string;
      /** Device and inode. */
      readonly inode: string;
      readonly size: number;
      /** Last change of content or of the entry, milliseconds since the epoch by the file system's clock. */
      readonly changedMs: number;
      /** Where a symbolic link leads, inside the folder; absent for a file itself. */
      readonly target?: string;
    }
  | { readonly kind: 'refused'; readonly name: string; readonly print: string; readonly refusal: Refusal };

/** Why something that has a manifest's name is not read. */
export interface Refusal {
  readonly code: FileCode;
  /** What it is and what to do. */
  readonly message: string;
  /** False when trying again without a change is useless. */
  readonly retry: boolean;
  /** How often to try again at most; absent: until it works. */
  readonly retries?: number;
}

/** A folder that could be read. */
export interface FolderLook {
  /** Tells this folder from another one of the same path: device, inode and time of birth. */
  readonly identity: string;
  readonly sightings: readonly Sighting[];
  /** Names asked about that are not there. */
  readonly absent: readonly string[];
}

/** What to look at. */
export interface LookRequest {
  readonly dir: string;
  /** The way from there to the folder that is meant, where it is one below; names begin with it. */
  readonly below?: string;
  /** Absent: every manifest in the folder. */
  readonly names?: readonly string[];
}

/** What to scan. */
export interface ScanRequest {
  readonly dir: string;
  /** The way from there to the folder, where it is one below. */
  readonly below?: string;
  /** The digest of a scan that showed nothing new. */
  readonly known?: string;
}

/** All manifests of a folder, only to find out where to look closer. */
export interface FolderScan {
  readonly identity: string;
  /** Of all that is listed. */
  readonly digest: string;
  /** Absent: the digest is the known one. */
  readonly listed?: {
    readonly names: readonly string[];
    /** Of each name, as in a sighting. */
    readonly prints: readonly string[];
  };
}

/** One folder of a tree. */
export interface FolderEntry {
  /** The way to it from the top; '' is the top itself. */
  readonly path: string;
  /** As in a look. */
  readonly identity: string;
}

/** A folder, or a link to one, that is not read. */
export interface FolderRefusal {
  readonly path: string;
  readonly refusal: Refusal;
}

/** A folder with all folders below it that count. */
export interface TreeWalk {
  /** By their paths. */
  readonly folders: readonly FolderEntry[];
  readonly refused: readonly FolderRefusal[];
  /** Folders that could not be looked into, and links that lead nowhere: nobody knows what is there or below. */
  readonly unseen: readonly string[];
  /** Whether links lead to folders, so that names that do not count matter too. */
  readonly hasLinks: boolean;
}

/** When a file may be read; the strictness depends on how it came and how long it has been quiet. */
export interface ReadRules {
  /** `doubtful`: only a file that is large or does not end with a newline. */
  readonly checkWriters: 'always' | 'doubtful' | 'never';
  /** Read although other processes' open files cannot be seen. */
  readonly acceptBlind: boolean;
  readonly acceptUnterminated: boolean;
}

export interface LoadRequest {
  readonly name: string;
  /** Path for diagnostics, as the user gave it. */
  readonly file: string;
  /** Only exactly this version is read. */
  readonly print: string;
  /** Bytes. */
  readonly size: number;
  readonly target?: string;
  readonly rules: ReadRules;
  /** Digest of the content known already: equal content is not parsed again. */
  readonly hash?: string;
}

/** What came of reading one file. */
export type LoadOutcome =
  | { readonly status: 'loaded'; readonly hash: string; readonly parsed: ParsedFile }
  /** The content is the one known already. */
  | { readonly status: 'same' }
  /** It is another version by now: look again. */
  | { readonly status: 'changed' }
  /** Somebody has it open for writing. */
  | { readonly status: 'busy'; readonly by: string }
  | { readonly status: 'blind' }
  | { readonly status: 'unterminated' }
  | { readonly status: 'refused'; readonly refusal: Refusal };

export type LoadResult = LoadOutcome & { readonly name: string };

/** Reads folders and files without ever blocking the caller; implemented by a worker thread. */
export interface Reader {
  /** Fails when the folder is missing, unreadable or does not answer. */
  look(request: LookRequest): Promise<FolderLook>;
  /** Like a complete look, but in the background: it holds up no look and no load. Fails when interrupted, too. */
  scan(request: ScanRequest): Promise<FolderScan>;
  /** Finds the folders below one. Fails when that one is missing, unreadable or does not answer. */
  walk(dir: string): Promise<TreeWalk>;
  /** One result a request, in the same order. */
  load(dir: string, requests: readonly LoadRequest[], variables?: Variables): Promise<readonly LoadResult[]>;
  /** Parses text that is in memory already. */
  parse(text: string, file: string, variables?: Variables): Promise<ParsedFile | Refusal>;
  /** Reads files of variables, one answer a file. */
  variables(files: readonly string[]): Promise<readonly VariableFileRead[]>;
  stop(): Promise<void>;
}

/** A diagnostic about a file as a whole. */
export function fileDiagnostic(file: string, code: FileCode, message: string): Diagnostic {
  return { code, severity: FILE_CODES[code], file, line: 1, column: 1, message };
}
