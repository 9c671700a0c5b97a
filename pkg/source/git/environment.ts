import type { GitSettings } from './settings.ts';
import type { GitFolders } from './folders.ts';

/** What of the agent's own environment git may see. */
const PASSED_ON: readonly string[] = [
  'PATH',
  'http_proxy',
  'https_proxy',
  'HTTPS_PROXY',
  'all_proxy',
  'ALL_PROXY',
  'no_proxy',
  'NO_PROXY',
];

const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export type Environment = Readonly<Record<string, string>>;

/** The whole environment of git: nothing of the user's or the system's configuration, nothing interactive, one transport. */
export function gitEnvironment(
  outer: Readonly<Record<string, string | undefined>>,
  folders: GitFolders,
  { remote }: Pick<GitSettings, 'remote'>,
): Environment {
  const passed = PASSED_ON.flatMap((name) => {
    const value = outer[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    PATH: USUAL_PATH,
    ...Object.fromEntries(passed),
    HOME: folders.home,
    LC_ALL: 'C',
    GNUPGHOME: folders.gnupg,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: folders.config,
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: remote.transport,
    GIT_CEILING_DIRECTORIES: folders.root,
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_LFS_SKIP_SMUDGE: '1',
  };
}

/** The variables above, and those of single calls, that simple-git must let through. */
export const GIT_VARIABLES: readonly string[] = [
  'GIT_CONFIG_NOSYSTEM',
  'GIT_CONFIG_GLOBAL',
  'GIT_ATTR_NOSYSTEM',
  'GIT_TERMINAL_PROMPT',
  'GIT_ALLOW_PROTOCOL',
  'GIT_CEILING_DIRECTORIES',
  'GIT_NO_REPLACE_OBJECTS',
  'GIT_LFS_SKIP_SMUDGE',
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
];

type Section = readonly [name: string, values: Readonly<Record<string, string>>];

/** The only configuration that git reads besides the clone's own. `authorization`: a header for http. */
export function gitConfig(
  settings: Pick<GitSettings, 'remote' | 'ssh' | 'caFile'>,
  more: { readonly authorization?: string; readonly allowedSigners?: string } = {},
): string {
  const { remote, ssh, caFile } = settings;
  const { authorization, allowedSigners } = more;
  const sections: Section[] = [
    [
      'core',
      {
        hooksPath: '/dev/null',
        attributesFile: '/dev/null',
        excludesFile: '/dev/null',
        askPass: '',
        fsmonitor: 'false',
        symlinks: 'false',
        autocrlf: 'false',
        ...(ssh ? { sshCommand: sshCommand(ssh) } : {}),
      },
    ],
    ['protocol', { allow: 'never' }],
    [`protocol "${remote.transport}"`, { allow: 'always' }],
    // A file URL may name a repository of another user; reading it runs nothing that is in it.
    ['safe', { directory: '*' }],
    ['credential', { helper: '' }],
    [
      'http',
      {
        followRedirects: 'false',
        lowSpeedLimit: '1000',
        lowSpeedTime: '30',
        ...(caFile === undefined ? {} : { sslCAInfo: caFile }),
        ...(authorization === undefined ? {} : { extraHeader: authorization }),
      },
    ],
    ['transfer', { credentialsInUrl: 'die', bundleURI: 'false' }],
    // One pack a fetch: its size can be watched while it grows.
    ['fetch', { unpackLimit: '1', recurseSubmodules: 'false' }],
    ['submodule', { recurse: 'false' }],
    ['gc', { auto: '0' }],
    ['maintenance', { auto: 'false' }],
    ['pack', { threads: '1' }],
    ['log', { showSignature: 'false', mailmap: 'false' }],
    // A good signature of a key that is not in the keyring has no such trust.
    ['gpg', { minTrustLevel: 'fully', ...(allowedSigners === undefined ? {} : { program: 'false' }) }],
    ['gpg "x509"', { program: 'false' }],
    ...(allowedSigners === undefined
      ? []
      : [['gpg "ssh"', { allowedSignersFile: allowedSigners }] satisfies Section]),
  ];
  return sections.map(sectionText).join('');
}

function sectionText([name, values]: Section): string {
  const lines = Object.entries(values).map(([key, value]) => `\t${key} = ${quoted(value)}\n`);
  return `[${name}]\n${lines.join('')}`;
}

function quoted(value: string): string {
  return `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** Known hosts and one key, nothing asked, nothing forwarded, nothing from anybody's configuration. Both paths were checked. */
function sshCommand({ keyFile, knownHostsFile }: NonNullable<GitSettings['ssh']>): string {
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    `UserKnownHostsFile=${knownHostsFile}`,
    'GlobalKnownHostsFile=/dev/null',
    'UpdateHostKeys=no',
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    'PreferredAuthentications=publickey',
    'ForwardAgent=no',
    'ForwardX11=no',
    'ClearAllForwardings=yes',
    'PermitLocalCommand=no',
    'ControlPath=none',
    'ConnectTimeout=15',
    'ServerAliveInterval=10',
    'ServerAliveCountMax=3',
  ];
  return ['ssh', '-F', '/dev/null', '-i', keyFile, ...options.flatMap((option) => ['-o', option])].join(' ');
}
