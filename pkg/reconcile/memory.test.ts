import { expect, test } from 'vitest';
import { Memory } from './memory.ts';

test('what was saved is restored', () => {
  const memory = new Memory();
  memory.recordCreated('id-1');
  memory.recordFailedUpdate('Container/a', { specHash: 'h', message: 'm' });
  memory.seenEndpoints.restore({ engine: 'E1 10.6.17.12', rows: [['web', 'n1', ['e1', 'e2']]] });
  expect(memory.takeDirty()).toBe(true);
  expect(memory.takeDirty()).toBe(false);
  const restored = new Memory();
  restored.restore(JSON.parse(JSON.stringify(memory.toJson())));
  expect(restored.toJson()).toEqual(memory.toJson());
});

test.each([
  undefined,
  null,
  'text',
  [],
  {},
  { format: 2, applied: [], createdIds: [], failedUpdates: [] },
  { format: 1, applied: 'x', createdIds: [], failedUpdates: [] },
  { format: 1, applied: [['Container/a', 1]], createdIds: [], failedUpdates: [] },
  { format: 1, applied: [], createdIds: [7], failedUpdates: [] },
])('anything else is forgotten without harm: %j', (saved) => {
  const memory = new Memory();
  memory.restore(saved);
  expect(memory.toJson()).toEqual(new Memory().toJson());
});
