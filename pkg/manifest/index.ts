export * from './objects.ts';
export * from './revision.ts';
