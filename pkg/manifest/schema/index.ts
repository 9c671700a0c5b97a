export * from './document.ts';
export * from './findings.ts';
export * from './json-schema.ts';
