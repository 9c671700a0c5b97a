export * from './assemble.ts';
