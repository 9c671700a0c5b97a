import { expect, it } from 'vitest';

import { shareCalls } from './share-calls.ts';

it('makes one call for all who ask meanwhile, and a new one for those who come later', async () => {
  const answers: ((answer: number) => void)[] = [];
  const share = shareCalls(() => new Promise<number>((resolve) => answers.push(resolve)));
  const asked = [share(), share()];
  answers[0]?.(1);
  expect(await Promise.all(asked)).toEqual([1, 1]);
  const later = share();
  answers[1]?.(2);
  expect(await later).toBe(2);
});

it('remembers no failure', async () => {
  let calls = 0;
  const share = shareCalls(() => Promise.reject(new Error(`call ${(calls += 1)}`)));
  await expect(share()).rejects.toThrow('call 1');
  await expect(share()).rejects.toThrow('call 2');
});
