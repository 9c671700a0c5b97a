export * from './client-error.ts';
export * from './client.ts';
export * from './git-services.ts';
export type { Republished } from './republish-route.ts';
export * from './server.ts';
