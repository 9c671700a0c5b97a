export * from './coordinator.ts';
export * from './server.ts';
