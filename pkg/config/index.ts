export * from './documentation.ts';
export * from './duration.ts';
export * from './flags.ts';
export * from './load.ts';
export * from './settings.ts';
export * from './suggest.ts';
export * from './version.ts';
