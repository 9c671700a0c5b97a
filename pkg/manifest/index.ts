export * from './codes.ts';
export * from './merge/index.ts';
export * from './objects.ts';
export * from './parse-manifest.ts';
export * from './parsed-file.ts';
export * from './revision.ts';
export * from './schema/json-schema.ts';
