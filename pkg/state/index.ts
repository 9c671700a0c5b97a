export * from './aliases.ts';
export * from './observed.ts';
