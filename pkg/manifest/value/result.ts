import type { DiagnosticCode } from '../codes.ts';

/** A text in its typed form, or what is wrong with it and the mend. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  /** The code is there where it differs from the usual one of the field. */
  | { readonly ok: false; readonly message: string; readonly code?: DiagnosticCode };

export function accept<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

export function reject(message: string, code?: DiagnosticCode): Parsed<never> {
  return code === undefined ? { ok: false, message } : { ok: false, message, code };
}
