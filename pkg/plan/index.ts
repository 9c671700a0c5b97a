export * from './action.ts';
export * from './result.ts';
