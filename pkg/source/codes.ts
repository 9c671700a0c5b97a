/**
 * Codes of diagnostics about files, with their severity; those about what is in a file are in pkg/manifest. docs/diagnostics.md
 * explains each one.
 */
export const FILE_CODES = {
  'file-not-regular': 'error',
  'file-outside-folder': 'error',
  'file-too-large': 'error',
  'file-unreadable': 'error',
  'tree-too-large': 'error',
  'file-unsettled': 'warning',
  'encoding-invalid': 'error',
  'parse-timeout': 'error',
  'parse-failed': 'error',
  'path-missing': 'error',
  'path-empty': 'warning',
  'variables-invalid': 'error',
} as const satisfies Readonly<Record<string, 'error' | 'warning'>>;

export type FileCode = keyof typeof FILE_CODES;
