export * from './dir-source.ts';
export * from './read-manifests.ts';
