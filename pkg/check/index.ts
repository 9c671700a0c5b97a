export * from './assemble.ts';
export * from './census.ts';
export * from './errand.ts';
export * from './evidence.ts';
export * from './findings.ts';
export * from './judge.ts';
export * from './ports.ts';
export * from './report.ts';
