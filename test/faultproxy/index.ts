export * from './adapter.ts';
export * from './fault-proxy.ts';
export * from './fault.ts';
export * from './scripted-engine.ts';
export * from './docker-answers.ts';
