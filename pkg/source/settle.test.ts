import { describe, expect, it } from 'vitest';
import { readRules, type Arrival } from './settle.ts';

const read = (checkWriters: string, acceptBlind: boolean, acceptUnterminated: boolean): object => ({
  rules: { checkWriters, acceptBlind, acceptUnterminated },
});

describe('readRules', () => {
  it.each<[Arrival, number, object]>([
    ['moved', 0, read('doubtful', true, true)],
    ['old', 0, read('always', true, true)],
    ['written', 0, { waitMs: 100 }],
    ['written', 99, { waitMs: 1 }],
    ['written', 100, read('always', false, false)],
    ['written', 999, read('always', false, false)],
    ['written', 1_000, read('always', true, false)],
    ['written', 2_000, read('always', true, true)],
  ])('for a file that is %s and unchanged for %d ms', (arrival, unchangedMs, expected) => {
    expect(readRules(arrival, unchangedMs, 100)).toEqual(expected);
  });

  it('never accepts more, earlier, than a longer settle time allows', () => {
    expect(readRules('written', 2_999, 3_000)).toEqual({ waitMs: 1 });
    expect(readRules('written', 3_000, 3_000)).toEqual(read('always', true, true));
  });
});
