export * from './alone.ts';
export * from './observer.ts';
export * from './ports.ts';
export * from './reconciler.ts';
export * from './status.ts';
