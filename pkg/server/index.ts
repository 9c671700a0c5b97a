export * from './client-error.ts';
export * from './client.ts';
export * from './server.ts';
