export * from './dir-source.ts';
export * from './read-manifests.ts';
export * from './git/index.ts';
export * from './sources.ts';
export type { VariableOptions } from './variable-set.ts';
