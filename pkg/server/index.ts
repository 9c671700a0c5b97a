export * from './client-error.ts';
export * from './client.ts';
export * from './git-services.ts';
export * from './server.ts';
