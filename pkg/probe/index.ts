export * from './checker.ts';
export * from './healer.ts';
export * from './prober.ts';
export * from './routine.ts';
