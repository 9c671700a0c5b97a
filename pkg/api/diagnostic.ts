/** One mistake in what a user wrote: where, what, and the mend. Collected, never thrown, so that one does not hide the others. */
export interface Diagnostic {
  /** Stable kebab-case code, listed in docs/diagnostics.md. */
  readonly code: string;
  readonly severity: 'error' | 'warning';
  /** Path as the user gave it. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly column: number;
  /** One sentence that names the field and tells the mend. */
  readonly message: string;
}

/** The usual compiler form, `file:line:column: severity code: message`. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, severity, code, message } = diagnostic;
  return `${file}:${line}:${column}: ${severity} ${code}: ${message}`;
}
