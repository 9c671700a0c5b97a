import { describe, expect, it } from 'vitest';
import { NEWEST_API, agreedVersion, isApiVersion, isAtLeast } from './version.ts';

describe('API versions', () => {
  it.each([
    ['1.22', '1.22', true],
    ['1.9', '1.22', false],
    ['1.100', '1.22', true],
    ['2.0', '1.47', true],
    ['1.24', '1.25', false],
  ])('%s is at least %s: %s', (version, wanted, expected) => {
    expect(isAtLeast(version, wanted)).toBe(expected);
  });

  it.each([
    ['1.22', '1.22'],
    ['1.41', '1.41'],
    [NEWEST_API, NEWEST_API],
    ['1.55', NEWEST_API],
  ])('of an engine that speaks up to %s: %s is used', (newest, agreed) => {
    expect(agreedVersion(newest)).toBe(agreed);
  });

  it('of Docker 1.9 are refused', () => {
    expect(() => agreedVersion('1.21')).toThrow(
      /speaks Docker API 1\.21 at most; ovr needs 1\.22 \(Docker 1\.10\)/,
    );
  });

  it.each(['', '1', 'v1.41', '1.41.0', '1.x', ' 1.41', '1.4100'])('"%s" is none', (text) => {
    expect(isApiVersion(text)).toBe(false);
  });
});
