export * from './agent.ts';
export * from './logger.ts';
export * from './once.ts';
export * from './system-clock.ts';
