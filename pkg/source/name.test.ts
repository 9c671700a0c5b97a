import { describe, expect, it } from 'vitest';
import { isFolderName, isManifestName } from './name.ts';

describe('isManifestName', () => {
  it.each(['web.yaml', 'web.yml', 'web.json', 'a.b.yaml', 'sp ace.yaml', 'ünïcode.yml'])(
    'takes %s',
    (name) => {
      expect(isManifestName(name)).toBe(true);
    },
  );

  it.each([
    'README.md',
    'web',
    'yaml',
    '.yaml',
    '.web.yaml',
    '.web.yaml.swp',
    '.#web.yaml',
    '#web.yaml#',
    '#web.yaml',
    '~web.yaml',
    'web.yaml~',
    'web.yaml.bak',
    'web.yaml.backup',
    'web.yaml.orig',
    'web.yaml.rpmsave',
    'web.yaml.rpmnew',
    'web.yaml.dpkg-old',
    'web.yaml.tmp',
    'web.yaml.swp',
    'web.YAML',
    '..data',
    '4913',
    'sedAbC123',
    'not\uFFFDutf8.yaml',
  ])('leaves out %s', (name) => {
    expect(isManifestName(name)).toBe(false);
  });
});

describe('isFolderName', () => {
  it.each(['prod', 'sub.d', 'web.yaml.d', 'sp ace', 'ünïcode', 'lost+found2'])('takes %s', (name) => {
    expect(isFolderName(name)).toBe(true);
  });

  it.each([
    '',
    '.',
    '..',
    '.git',
    '..data',
    '#x',
    '~x',
    'x~',
    'lost+found',
    'web.yaml',
    'x.json',
    'no\uFFFDt',
  ])('leaves out %s', (name) => {
    expect(isFolderName(name)).toBe(false);
  });
});
