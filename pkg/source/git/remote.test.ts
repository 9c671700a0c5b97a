import { describe, expect, it } from 'vitest';
import { parsePath, parseRef, parseRemote } from './remote.ts';

describe('a URL', () => {
  it.each([
    ['https://example.org/team/repo.git', 'https', false],
    ['https://ann@example.org:8443/repo', 'https', false],
    ['http://127.0.0.1:3000/repo.git', 'http', true],
    ['http://[::1]:3000/repo.git', 'http', true],
    ['http://10.0.0.1/repo.git', 'http', false],
    ['ssh://git@example.org/team/repo.git', 'ssh', false],
    ['ssh://git@example.org:2222/~team/repo.git', 'ssh', false],
    ['git@example.org:team/repo.git', 'ssh', false],
    ['example.org:repo.git', 'ssh', false],
    ['file:///srv/git/repo.git', 'file', true],
  ])('%s is %s', (url, transport, isLocal) => {
    expect(parseRemote(url)).toMatchObject({ url, transport, isLocal });
  });

  it('may name a user', () => {
    expect(parseRemote('https://ann@example.org/x').user).toBe('ann');
    expect(parseRemote('git@example.org:x').user).toBe('git');
    expect(parseRemote('https://example.org/x').user).toBeUndefined();
  });

  it.each([
    ['https://ann:secret@example.org/x', 'password'],
    ['https://:secret@example.org/x', 'password'],
    ['-oProxyCommand=touch', 'begins with "-"'],
    ['--upload-pack=touch x', 'spaces'],
    ['ssh://-oProxyCommand=touch/x', 'odd host'],
    ['ssh://git@-host/x', 'odd host'],
    ['git@-host:x', 'none'],
    ['git@host:-x', 'odd host or path'],
    ['-u@host:x', 'begins with "-"'],
    ['ext::sh -c touch', 'spaces'],
    ['ext::sh', 'begins with "ext:"'],
    ['fd::17', 'begins with "fd:"'],
    ['git://example.org/x', 'begins with "git:"'],
    ['ftp://example.org/x', 'begins with "ftp:"'],
    ['file://host/x', 'names no host'],
    ['/srv/git/repo.git', 'none'],
    ['../repo', 'none'],
    ['https://example.org', 'no path'],
    ['https://example.org/x?y', '"?"'],
    ['https://example.org/x\n', 'control characters'],
    ['https://exa mple.org/x', 'spaces'],
    ['https://%2dx@example.org/x', 'odd characters'],
    ['', 'none'],
  ])('%j is refused', (url, message) => {
    expect(() => parseRemote(url)).toThrow(message);
  });

  it('shows no password in the refusal', () => {
    expect(() => parseRemote('https://ann:secret@example.org/x')).not.toThrow('secret');
  });
});

describe('a ref', () => {
  const hash = '0123456789abcdef0123456789abcdef01234567';
  it.each([
    [undefined, { type: 'head' }],
    ['HEAD', { type: 'head' }],
    [hash, { type: 'commit', commit: hash }],
    ['main', { type: 'name', candidates: ['refs/heads/main', 'refs/tags/main'] }],
    ['team/web-1.2', { type: 'name', candidates: ['refs/heads/team/web-1.2', 'refs/tags/team/web-1.2'] }],
    ['refs/pull/7/head', { type: 'name', candidates: ['refs/pull/7/head'] }],
    ['0123456', { type: 'name' }],
  ])('%s', (text, expected) => {
    expect(parseRef(text)).toMatchObject(expected);
  });

  it.each([
    '',
    '-f',
    '--upload-pack=x',
    'a b',
    'a..b',
    'a^',
    'a~1',
    'a:b',
    'a?',
    'a*',
    'a[b',
    'a\\b',
    '/a',
    'a/',
    'a//b',
    '.a',
    'a/.b',
    'a.lock',
    'a.lock/b',
    'a@{1}',
    '@',
    'a.',
    'a\u0000b',
    'a\n',
  ])('%j is refused', (text) => {
    expect(() => parseRef(text)).toThrow('is no name of a branch or tag');
  });
});

describe('a folder', () => {
  it.each([
    [undefined, ''],
    ['', ''],
    ['.', ''],
    ['./', ''],
    ['ovr', 'ovr'],
    ['./ovr/', 'ovr'],
    ['a//b/../c', 'a/c'],
  ])('%s is %j', (text, expected) => {
    expect(parsePath(text)).toBe(expected);
  });

  it.each(['..', '../x', 'a/../../x', '/etc', '-x', ':(top)x', 'a\\b', 'a\nb'])('%j is refused', (text) => {
    expect(() => parsePath(text)).toThrow('the Git path');
  });
});
