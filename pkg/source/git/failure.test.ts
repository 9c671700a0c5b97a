import { describe, expect, it } from 'vitest';
import { GitFailure, knownProblem, tidy, type FailureKind } from './failure.ts';

function codeOf(output: string, kind: FailureKind = 'exit'): string | undefined {
  return knownProblem(new GitFailure(kind, 'fetch', output))?.code;
}

describe('what git, ssh and curl say', () => {
  it.each([
    ['fatal: unable to write loose object file: No space left on device', 'git-disk'],
    ['error: unable to create temporary file: Disk quota exceeded', 'git-disk'],
    ['fatal: mkdir: Read-only file system', 'git-disk'],
    [
      'No ED25519 host key is known for h.\r\nHost key verification failed.\r\nfatal: Could not read from remote repository.',
      'git-host-key',
    ],
    [
      '@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nfatal: Could not read from remote repository.',
      'git-host-key',
    ],
    ['Load key "/k": invalid format\r\ngit@h: Permission denied (publickey).', 'git-key-file'],
    ['git@h: Permission denied (publickey).\r\nfatal: Could not read from remote repository.', 'git-auth'],
    ["fatal: could not read Username for 'https://h': terminal prompts disabled", 'git-auth'],
    ["fatal: Authentication failed for 'https://h/x'", 'git-auth'],
    ['fatal: unable to access: The requested URL returned error: 403', 'git-auth'],
    ["fatal: unable to access 'https://h/x': The requested URL returned error: 301", 'git-redirected'],
    ["fatal: repository 'https://h/x/' not found", 'git-repository-missing'],
    [
      "fatal: '/x' does not appear to be a git repository\nfatal: Could not read from remote repository.",
      'git-repository-missing',
    ],
    ['fatal: remote error: upload-pack: not our ref 0123', 'git-ref-missing'],
    ["fatal: unable to access 'https://h/': Could not resolve host: h", 'git-unreachable'],
    [
      "fatal: unable to access 'https://h/': Failed to connect to h port 443 after 5 ms: Connection refused",
      'git-unreachable',
    ],
    ['fatal: unable to access: The requested URL returned error: 503', 'git-unreachable'],
    ['fatal: unable to access: server certificate verification failed', 'git-unreachable'],
    ['ssh: connect to host h port 22: No route to host', 'git-unreachable'],
    ['error: RPC failed; curl 18 transfer closed\nfatal: early EOF', 'git-unreachable'],
    ['fatal: the remote end hung up unexpectedly', 'git-unreachable'],
  ])('%j is %s', (output, code) => {
    expect(codeOf(output)).toBe(code);
  });

  it.each([
    ["fatal: not a git repository: '/state/clone.git'"],
    ['fatal: bad object refs/ovr/newest'],
    ['error: unable to read sha1 file of tls-certificate.yaml (0123)'],
    ['error: inflate: data stream error (incorrect header check)'],
    ['fatal: loose object 0123 is corrupt'],
    ['fatal: bad config line 1 in file ./config'],
    [''],
  ])('%j may be a damaged clone', (output) => {
    expect(codeOf(output)).toBeUndefined();
  });

  it.each([
    ['missing', 'git-missing'],
    ['timeout', 'git-timeout'],
    ['flood', 'git-too-large'],
  ] as const)('does not matter when it is %s', (kind, code) => {
    expect(codeOf('Connection refused', kind)).toBe(code);
  });
});

describe('a line about it', () => {
  it.each([
    ['remote: Counting objects: 5\rReceiving objects:  50%\rfatal: x\n', 'fatal: x'],
    ['Failed to connect to h port 443 after 137 ms: no', 'Failed to connect to h port 443: no'],
    ['\u001b[31mfatal\u001b[0m: \u0007x\n\n  y', '[31mfatal[0m: x; y'],
    ['x'.repeat(500), `${'x'.repeat(300)}…`],
  ])('%j is short, plain, and the same each time', (output, expected) => {
    expect(tidy(output)).toBe(expected);
  });
});
