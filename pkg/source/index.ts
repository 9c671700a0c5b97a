export * from './dir-source.ts';
export * from './print.ts';
export * from './read-manifests.ts';
export * from './replace-file.ts';
export * from './git/index.ts';
export * from './sources.ts';
export type { VariableOptions } from './variable-set.ts';
