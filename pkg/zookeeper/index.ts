export * from './credentials.ts';
export * from './store.ts';
