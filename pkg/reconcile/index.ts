export * from './alone.ts';
export * from './hold-status.ts';
export * from './holds.ts';
export type { Finding, FindingAnswer } from './heal/republisher.ts';
export * from './observer.ts';
export * from './ports.ts';
export * from './reconciler-deps.ts';
export * from './reconciler.ts';
export * from './status.ts';
