import { describe, expect, it } from 'vitest';
import { OvrError } from '../api/index.ts';
import { checkCredentials } from './credentials.ts';

const PATH = '/etc/ovr/zookeeper';

describe('checkCredentials', () => {
  it.each([
    ['ovr:secret\n', 'ovr:secret'],
    ['ovr:secret', 'ovr:secret'],
    ['ovr:secret\r\n', 'ovr:secret'],
    ['ovr: with spaces and : colons ', 'ovr: with spaces and : colons '],
  ])('takes %j', (text, credentials) => {
    expect(checkCredentials({ path: PATH, text, mode: 0o100_640 })).toBe(credentials);
  });

  it.each([
    '',
    '\n',
    'ovr',
    ':secret',
    'ovr:',
    'ovr:\n',
    ' ovr:secret',
    'ovr:secret\n\n',
    'ovr:secret\nother:secret\n',
    'ovr:sec\0ret',
  ])('refuses %j, and does not repeat it', (text) => {
    const check = (): string => checkCredentials({ path: PATH, text, mode: 0o100_600 });
    expect(check).toThrow(`${PATH} must hold one line: user:password.`);
    expect(check).toThrow(OvrError);
  });

  it.each([0o100_644, 0o100_604, 0o100_602, 0o100_777])('refuses mode %o with the mend', (mode) => {
    expect(() => checkCredentials({ path: PATH, text: 'a:b', mode })).toThrow(`chmod 600 ${PATH}`);
  });
});
