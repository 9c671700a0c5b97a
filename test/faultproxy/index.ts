export * from './fault-proxy.ts';
export * from './fault.ts';
export * from './scripted-engine.ts';
