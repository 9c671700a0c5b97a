export * from './cluster.ts';
export * from './holds.ts';
export * from './store.ts';
export * from './swarm-discovery.ts';
