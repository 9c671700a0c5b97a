export * from './git-source.ts';
export * from './hook.ts';
export * from './problem.ts';
