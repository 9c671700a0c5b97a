export * from './check.ts';
export * from './constraint.ts';
export * from './lint.ts';
export * from './literal.ts';
export * from './node.ts';
export * from './parse.ts';
