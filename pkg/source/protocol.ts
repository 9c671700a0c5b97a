import type { ParsedFile, Variables } from '../manifest/index.ts';
import type {
  FolderLook,
  FolderScan,
  LoadRequest,
  LoadResult,
  LookRequest,
  Refusal,
  ScanRequest,
  TreeWalk,
} from './sighting.ts';
import type { VariableFileRead } from './variable-file.ts';

/** What the main thread asks of the worker. */
export type Question =
  | { readonly op: 'look'; readonly request: LookRequest }
  | { readonly op: 'scan'; readonly request: ScanRequest }
  | { readonly op: 'walk'; readonly dir: string }
  | {
      readonly op: 'load';
      readonly dir: string;
      readonly requests: readonly LoadRequest[];
      /** Questions of one round share one walk through the processes. */
      readonly round: number;
      readonly variables: Variables;
    }
  /** For the next piece of an answer. */
  | { readonly op: 'more'; readonly rest: number }
  | { readonly op: 'parse'; readonly text: string; readonly file: string; readonly variables: Variables }
  | { readonly op: 'variables'; readonly files: readonly string[] }
  /** For nothing but that it lets go of memory. */
  | { readonly op: 'give-back' };

/** Results, or a piece of them (pieces.ts): one message with ten thousand objects would hold up the thread that receives it. */
export interface LoadAnswer {
  readonly results: readonly LoadResult[];
  /** What to ask for the next piece with; absent: this was the last one. */
  readonly rest?: number;
}

/** What each question is answered with. */
export interface Answers {
  readonly look: FolderLook;
  readonly scan: FolderScan;
  readonly walk: TreeWalk;
  readonly load: LoadAnswer;
  readonly more: LoadAnswer;
  readonly parse: ParsedFile | Refusal;
  readonly variables: readonly VariableFileRead[];
  readonly 'give-back': undefined;
}

export type Answer = Answers[keyof Answers];

/** A question with the number that its reply carries. */
export interface Letter {
  readonly id: number;
  readonly question: Question;
}

/** One reply a letter. */
export type Reply = { readonly id: number } & (
  | { readonly type: 'answer'; readonly answer: Answer }
  | { readonly type: 'failure'; readonly message: string }
);

/** The number of the reply that nobody asked for: the worker is up. */
export const READY_ID = 0;
