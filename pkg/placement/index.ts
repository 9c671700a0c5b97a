export * from './input.ts';
export * from './place.ts';
