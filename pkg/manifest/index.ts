export * from './alias-holders.ts';
export * from './codes.ts';
export * from './json-schema.ts';
export * from './merge/index.ts';
export * from './objects.ts';
export * from './parse-manifest.ts';
export * from './parsed-file.ts';
export * from './revision.ts';
