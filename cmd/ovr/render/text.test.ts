import { describe, expect, it } from 'vitest';

import { count, formatAge, formatCpus, formatDuration, formatMemory, oneLine } from './text.ts';

const s = 1000;
const m = 60 * s;
const h = 60 * m;
const d = 24 * h;

describe('formatAge', () => {
  it.each([
    [-5, '0s'],
    [999, '0s'],
    [45 * s, '45s'],
    [60 * s, '1m'],
    [3 * m + 20 * s, '3m20s'],
    [15 * m + 20 * s, '15m'],
    [2 * h + 5 * m, '2h5m'],
    [2 * d + 7 * h, '2d7h'],
    [400 * d, '400d'],
  ])('%i ms is %s', (ms, text) => {
    expect(formatAge(ms)).toBe(text);
  });
});

describe('formatDuration', () => {
  it.each([
    [0.4, '0ms'],
    [12.6, '13ms'],
    [1400, '1.4s'],
    [200 * s, '3m20s'],
  ])('%f ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('formatCpus and formatMemory', () => {
  it.each([
    [0, 0, '0', '0'],
    [250_000_000, 1023, '0.25', '1023'],
    [4_000_000_000, 64 * 1024 ** 2, '4', '64Mi'],
    [1_333_333_333, 16_756_404_224, '1.33', '15.6Gi'],
    [64e9, 3 * 1024 ** 5, '64', '3Pi'],
  ])('%i and %i', (nanoCpus, bytes, cpus, memory) => {
    expect([formatCpus(nanoCpus), formatMemory(bytes)]).toEqual([cpus, memory]);
  });
});

it('counts', () => {
  expect([count(0, 'object'), count(1, 'object'), count(2, 'object')]).toEqual([
    '0 objects',
    '1 object',
    '2 objects',
  ]);
});

it('keeps foreign text to one harmless line', () => {
  expect(oneLine('a\r\n\tb\u001b[2Jc\u009bd ünïcode\n')).toBe('a b [2Jc d ünïcode');
});
