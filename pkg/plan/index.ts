export * from './action.ts';
export * from './alias.ts';
export * from './alias-outcome.ts';
export * from './input.ts';
export * from './plan.ts';
export * from './result.ts';
export * from './names.ts';
export * from './ipv4-range.ts';
