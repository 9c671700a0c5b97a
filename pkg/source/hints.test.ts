import { expect, it } from 'vitest';
import { Hints } from './hints.ts';

it('keeps the newest event of each name, and forgets only the one that was dealt with', () => {
  const hints = new Hints();
  hints.note('a', 'written');
  hints.note('a', 'moved');
  const dealtWith = hints.get('a');
  expect(dealtWith?.kind).toBe('moved');
  hints.note('a', 'moved');
  hints.forget('a', dealtWith);
  expect(hints.get('a')?.kind).toBe('moved');
  hints.forget('a', hints.get('a'));
  expect(hints.get('a')).toBeUndefined();
});

it('prunes names that came and went, once there are many', () => {
  const hints = new Hints();
  for (let index = 0; index < 999; index += 1) hints.note(`gone-${index}`, 'moved');
  hints.prune(() => false);
  expect(hints.get('gone-0')).toBeDefined();
  hints.note('here', 'moved');
  hints.prune((name) => name === 'here');
  expect(hints.get('gone-0')).toBeUndefined();
  expect(hints.get('here')).toBeDefined();
});
