import type { DiagnosticCode } from '../codes.ts';

/** Something wrong at a place of one document's text. */
export interface Problem {
  readonly code: DiagnosticCode;
  readonly message: string;
  /** UTF-16 units from the start of the document. */
  readonly offset: number;
}
