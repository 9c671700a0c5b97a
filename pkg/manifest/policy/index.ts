export * from './check-policy.ts';
export * from './parse-policy.ts';
