export * from './cluster.ts';
export * from './store.ts';
export * from './swarm-discovery.ts';
