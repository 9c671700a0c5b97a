export * from './chunks.ts';
export * from './compose.ts';
export * from './limits.ts';
export * from './locate.ts';
export * from './plain.ts';
export * from './problem.ts';
export * from './substitute.ts';
