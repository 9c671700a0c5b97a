import { describe, expect, it } from 'vitest';
import { eachOf } from './pool.ts';

describe('eachOf', () => {
  it('runs every item, at most so many at a time', async () => {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    await eachOf([...Array(20).keys()], 3, async (item) => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      done.push(item);
    });
    expect(most).toBe(3);
    expect(done.sort((a, b) => a - b)).toEqual([...Array(20).keys()]);
  });

  it('begins no more items after a failure, and tells the failure', async () => {
    const begun: number[] = [];
    const failing = eachOf([1, 2, 3, 4], 1, async (item) => {
      begun.push(item);
      await Promise.resolve();
      if (item === 2) throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(begun).toEqual([1, 2]);
  });

  it('does nothing for nothing', async () => {
    await expect(eachOf([], 3, () => Promise.reject(new Error('no')))).resolves.toBeUndefined();
  });
});
