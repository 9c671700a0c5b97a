import { GitProblem, type GitCode } from './problem.ts';

/** How a call of git ended that did not succeed. */
export type FailureKind = 'exit' | 'missing' | 'timeout' | 'aborted' | 'flood';

/** One failed call of git. */
export class GitFailure extends Error {
  readonly kind: FailureKind;
  /** The subcommand. */
  readonly command: string;
  /** What git printed, standard error first. */
  readonly output: string;

  constructor(kind: FailureKind, command: string, output: string) {
    super(`git ${command} failed (${kind}): ${tidy(output)}`);
    this.name = 'GitFailure';
    this.kind = kind;
    this.command = command;
    this.output = output;
  }
}

/** How git, ssh and curl say it, in the order in which it is asked. */
const SIGNS: readonly (readonly [sign: RegExp, code: GitCode])[] = [
  [/No space left on device|Disk quota exceeded|File too large|Read-only file system/i, 'git-disk'],
  [/Host key verification failed|host key .*(changed|known)|REMOTE HOST IDENTIFICATION/i, 'git-host-key'],
  [
    /Load key .*(invalid|permission|error)|UNPROTECTED PRIVATE KEY|not accessible: No such file/i,
    'git-key-file',
  ],
  [/unable to update url base from redirection|returned error: 30\d/i, 'git-redirected'],
  [
    /Permission denied \(|Authentication failed|could not read (Username|Password)|returned error: 40[13]/i,
    'git-auth',
  ],
  [
    /upload-pack: not our ref|couldn't find remote ref|not our ref|unadvertised object|not a commit\b/i,
    'git-ref-missing',
  ],
  [
    /repository .* not found|does not appear to be a git repository|returned error: 404|Repository not found|no such repository/i,
    'git-repository-missing',
  ],
  [
    /Could not resolve host|Name or service not known|Temporary failure in name resolution|Connection (refused|timed out|reset|closed)|Network is unreachable|No route to host|Failed to connect|Couldn't connect|early EOF|RPC failed|hung up|Operation (timed out|too slow)|returned error: (5\d\d|429)|SSL (?:certificate|connection|routines)|gnutls|TLS (?:connection|handshake)|certificate verif|Could not read from remote|transfer closed|unexpected disconnect|Empty reply/i,
    'git-unreachable',
  ],
];

const ADVICE: Readonly<Partial<Record<GitCode, string>>> = {
  'git-missing': 'git cannot be started; install git 2.32 or newer on this host',
  'git-unreachable': 'the remote cannot be reached; check the network, the address and the server',
  'git-timeout': 'the remote took too long; check the network and the server, or allow more time',
  'git-auth': 'the remote refuses access; check the token or the key, and its rights',
  'git-host-key':
    "the server's host key is not the known one; if it was really changed, correct the known-hosts file",
  'git-key-file':
    'ssh cannot use the key file; it must be a private key without a passphrase, and one that ovrd may read',
  'git-redirected': 'the remote redirects to another address; put the new one into the URL',
  'git-repository-missing': 'there is no such repository, or this access may not see it; check the URL',
  'git-ref-missing': 'the remote offers no such commit; check the ref',
  'git-disk': 'the clone cannot be written; make room on the file system of the state folder',
  'git-corrupt':
    'the clone is damaged, also after it was made again; remove the folder git in the state folder',
  'git-failed': 'git failed in an unknown way',
};

/** What a failed call means, or undefined where git says nothing that is known: then the clone itself may be damaged. */
export function knownProblem(failure: GitFailure): GitProblem | undefined {
  const code = codeOf(failure);
  return code && problemOf(code, failure.output);
}

/** A problem in the words of `ADVICE`, with what git said. */
export function problemOf(code: GitCode, output: string): GitProblem {
  const said = tidy(output);
  return new GitProblem(code, `${ADVICE[code] ?? 'git failed'}${said === '' ? '' : ` (${said})`}`);
}

function codeOf({ kind, output }: GitFailure): GitCode | undefined {
  if (kind === 'missing') return 'git-missing';
  if (kind === 'timeout') return 'git-timeout';
  if (kind === 'flood') return 'git-too-large';
  return SIGNS.find(([sign]) => sign.test(output))?.[1];
}

const MAX_SAID = 300;

/** One short line: without progress, control characters, and numbers that change from one try to the next. */
export function tidy(output: string): string {
  const lines = output
    .replaceAll(/[^\P{C}\n\r]/gu, '')
    .split(/[\n\r]+/)
    .map((line) => line.trim())
    .filter(
      (line) =>
        line !== '' &&
        !/^(Receiving|Resolving|Counting|Compressing|remote: (Counting|Compressing|Enumerating|Total))/.test(
          line,
        ),
    )
    .map((line) =>
      line
        .replaceAll(/ after \d+ ms/g, '')
        .replaceAll(/ \d+ bytes/g, ' bytes')
        .replaceAll(/\b(pid|process) \d+/g, '$1'),
    );
  const said = lines.join('; ');
  return said.length > MAX_SAID ? `${said.slice(0, MAX_SAID)}…` : said;
}
