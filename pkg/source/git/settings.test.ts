import { describe, expect, it } from 'vitest';
import { FakeClock, silentLogger } from '../../api/index.ts';
import { gitConfig, gitEnvironment } from './environment.ts';
import { foldersFor } from './folders.ts';
import { settingsOf, type GitSettings, type GitSourceOptions } from './settings.ts';

function settings(more: Partial<GitSourceOptions>): GitSettings {
  return settingsOf({
    url: 'https://example.org/x',
    stateDir: '/state',
    environment: {},
    clock: new FakeClock(),
    logger: silentLogger,
    random: () => 0,
    ...more,
  });
}

const ssh = { url: 'ssh://git@example.org/x', sshKeyFile: '/keys/id', knownHostsFile: '/keys/hosts' };

describe('options', () => {
  it('have defaults', () => {
    expect(settings({})).toEqual({
      remote: { url: 'https://example.org/x', transport: 'https', isLocal: false },
      ref: { type: 'head' },
      path: '',
      recursive: false,
      intervalMs: 30_000,
      maxBytes: 268_435_456,
      timeoutMs: 60_000,
    });
  });

  it.each([
    [{ url: 'http://example.org/x', tokenFile: '/t' }, 'plain http'],
    [{ ...ssh, tokenFile: '/t' }, 'of no use for ssh'],
    [{ url: 'file:///x', tokenFile: '/t' }, 'of no use for file'],
    [{ url: ssh.url, knownHostsFile: '/keys/hosts' }, 'needs a key file'],
    [{ url: ssh.url, sshKeyFile: '/keys/id' }, 'ssh-keyscan'],
    [{ ...ssh, sshKeyFile: '/my keys/id' }, 'no spaces'],
    [{ ...ssh, knownHostsFile: '/keys/%h' }, 'no spaces'],
    [{ ...ssh, sshKeyFile: '-x' }, 'must begin with /'],
  ])('%o are refused', (options, message) => {
    expect(() => settings(options)).toThrow(message);
  });

  it('may give a token to this very host over plain http', () => {
    expect(settings({ url: 'http://127.0.0.1/x', tokenFile: '/t' }).tokenFile).toBe('/t');
  });
});

describe('what git gets to see', () => {
  const folders = foldersFor('/state', 'https://example.org/x');
  const outer = {
    PATH: '/bin',
    HOME: '/root',
    https_proxy: 'http://proxy:3128',
    GIT_SSH_COMMAND: 'touch x',
    GIT_ASKPASS: 'x',
    SSH_AUTH_SOCK: '/agent',
    SSH_ASKPASS: 'x',
    LD_PRELOAD: 'x',
    EDITOR: 'x',
  };

  it('is nothing of the agent but its path and its proxies', () => {
    const environment = gitEnvironment(outer, folders, settings({}));
    expect(environment).toMatchObject({
      PATH: '/bin',
      https_proxy: 'http://proxy:3128',
      HOME: folders.home,
      GIT_ALLOW_PROTOCOL: 'https',
      GIT_TERMINAL_PROMPT: '0',
    });
    for (const name of [
      'GIT_SSH_COMMAND',
      'GIT_ASKPASS',
      'SSH_AUTH_SOCK',
      'SSH_ASKPASS',
      'LD_PRELOAD',
      'EDITOR',
    ]) {
      expect(environment).not.toHaveProperty(name);
    }
  });

  it('has one transport, no hooks, no helper, and quotes what it is given', () => {
    const config = gitConfig(settings({}), { authorization: 'Authorization: Basic "x\\' });
    expect(config).toContain('[protocol]\n\tallow = "never"\n[protocol "https"]\n\tallow = "always"\n');
    expect(config).toContain('hooksPath = "/dev/null"');
    expect(config).toContain('helper = ""');
    expect(config).toContain('extraHeader = "Authorization: Basic \\"x\\\\"');
    expect(config).not.toContain('sshCommand');
  });

  it('is an ssh that asks nobody and knows one key', () => {
    const config = gitConfig(settings(ssh));
    for (const part of [
      'ssh -F /dev/null -i /keys/id',
      'StrictHostKeyChecking=yes',
      'UserKnownHostsFile=/keys/hosts',
      'BatchMode=yes',
      'IdentityAgent=none',
    ]) {
      expect(config).toContain(part);
    }
  });
});
