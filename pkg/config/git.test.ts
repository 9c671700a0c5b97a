import { describe, expect, it } from 'vitest';

import { config, problems, type World } from '../../test/build/config.ts';

const FILE = '/etc/ovr/ovrd.yaml';

describe('Git', () => {
  const url = ['--git-url', 'https://git.example.org/ops/overlays.git'];
  const ssh = ['--git-url', 'git@git.example.org:ops/overlays.git'];

  it('is the only source where no folder is given', async () => {
    const { git, manifests } = await config({ argv: url });
    expect([git, manifests]).toEqual([{ url: url[1], intervalMs: 30_000 }, []]);
    expect((await config({ argv: url, env: { OVR_MANIFESTS: '/a' } })).manifests).toEqual(['/a']);
  });

  it('has options from everywhere', async () => {
    const loaded = await config({
      argv: [...ssh, '--git-ref', 'v1', '--git-ssh-key=/k', '--git-webhook-secret-file=/s'],
      env: { OVR_GIT_INTERVAL: '5s', OVR_GIT_KNOWN_HOSTS: '/h' },
      files: { [FILE]: 'git-path: prod\ngit-verify-signatures: /r\n', '/s': 'geheim\n' },
    });
    expect(loaded.git).toEqual({
      url: ssh[1],
      ref: 'v1',
      path: 'prod',
      intervalMs: 5000,
      sshKeyFile: '/k',
      knownHostsFile: '/h',
      verifyKeyring: '/r',
      webhookSecretFile: '/s',
    });
    expect(JSON.stringify(loaded)).not.toContain('geheim');
  });

  it.each<[string, World, (string | RegExp)[]]>([
    [
      'options without a repository',
      { argv: ['--git-path', 'prod'], env: { OVR_GIT_REF: 'main' } },
      [
        'OVR_GIT_REF: is only for --git-url: add that, or remove it',
        '--git-path: is only for --git-url: add that, or remove it',
      ],
    ],
    [
      'a password in the URL',
      { argv: ['--git-url', 'https://ann:geheim@a/b', '--git-ref', 'main'] },
      [
        '--git-url: "https://***@a/b" is not valid: leave the password out and put it into a file, see --git-token-file',
      ],
    ],
    ['a path', { argv: ['--git-url', '/srv/a.git'] }, [/write file:\/\/\/srv\/a\.git$/]],
    ['another transport', { argv: ['--git-url', 'ext::sh -c id'] }, [/write https:/]],
    ['to ask too often', { argv: [...url, '--git-interval', '4s'] }, [/between 5s and 24h/]],
    [
      'ssh without key and host key',
      { argv: ssh },
      [/^--git-url: is over ssh .* add --git-ssh-key FILE$/, /add --git-known-hosts FILE/],
    ],
    [
      'ssh with a token',
      { argv: [...ssh, '--git-ssh-key=/k', '--git-known-hosts=/h', '--git-token-file=/t'] },
      ['--git-token-file: is only for https: use an https URL, or remove it'],
    ],
    [
      'a key without ssh',
      { argv: [...url, '--git-ssh-key', '/k'] },
      ['--git-ssh-key: is only for ssh: use an ssh URL, or remove it'],
    ],
    [
      'a secret that is not there',
      { argv: [...url, '--git-webhook-secret-file=/s'] },
      ["--git-webhook-secret-file: /s cannot be read (ENOENT): check the path and the file's mode"],
    ],
    [
      'an empty secret',
      { argv: [...url, '--git-webhook-secret-file=/s'], files: { '/s': '\n' } },
      ['--git-webhook-secret-file: /s has no secret in it'],
    ],
  ])('refuses %s', async (_name, world, expected) => {
    expect(await problems(world)).toEqual(
      expected.map((text): unknown => (typeof text === 'string' ? text : expect.stringMatching(text))),
    );
  });
});
