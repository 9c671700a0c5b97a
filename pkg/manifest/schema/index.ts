export type { ParsedAliasSpec } from './alias.ts';
export * from './document.ts';
export * from './field.ts';
export * from './findings.ts';
