export * from './git-source.ts';
export * from './hook.ts';
