export * from './bell.ts';
export * from './faults.ts';
export * from './hand.ts';
export * from './host.ts';
export * from './model.ts';
export * from './snapshot.ts';
export * from './world.ts';
