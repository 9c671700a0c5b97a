/** Git repositories to pull from: bare ones on disk, over HTTP through `git http-backend`, over SSH through an sshd of our own. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './prometheus.ts';

const PERSON = { NAME: 'Ann Example', EMAIL: 'ann@example.org' };

/** Nothing of the user's own configuration. */
const gitEnvironment: NodeJS.ProcessEnv = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: PERSON.NAME,
  GIT_AUTHOR_EMAIL: PERSON.EMAIL,
  GIT_COMMITTER_NAME: PERSON.NAME,
  GIT_COMMITTER_EMAIL: PERSON.EMAIL,
};

/** A bare repository and a work tree that pushes to it. */
export class TestRepository {
  readonly bare: string;
  readonly work: string;

  constructor(base: string, name = 'repo') {
    this.bare = join(base, `${name}.git`);
    this.work = join(base, `${name}.work`);
    this.git(['init', '--bare', '--initial-branch=main', this.bare], base);
    this.git(['init', '--initial-branch=main', this.work], base);
    this.git(['remote', 'add', 'origin', this.bare]);
  }

  get url(): string {
    return `file://${this.bare}`;
  }

  git(args: readonly string[], cwd = this.work, more: NodeJS.ProcessEnv = {}): string {
    return execFileSync('git', args, {
      cwd,
      env: { ...gitEnvironment, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    });
  }

  /** Writes files; null removes one. */
  write(files: Readonly<Record<string, string | null>>): void {
    for (const [name, text] of Object.entries(files)) {
      const path = join(this.work, name);
      if (text === null) rmSync(path, { recursive: true, force: true });
      else {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, text);
      }
    }
  }

  /** Commits everything and returns the hash; `options` are for git itself, before `commit`. */
  commit(subject: string, options: readonly string[] = [], more: NodeJS.ProcessEnv = {}): string {
    this.git(['add', '--all']);
    this.git([...options, 'commit', '--allow-empty', '--message', subject], this.work, more);
    return this.git(['rev-parse', 'HEAD']).trim();
  }

  /** Writes, commits and pushes; returns the hash. */
  push(files: Readonly<Record<string, string | null>>, subject = 'Change'): string {
    this.write(files);
    const commit = this.commit(subject);
    this.git(['push', '--force', 'origin', 'HEAD']);
    return commit;
  }
}

/** What a Git server posts to a webhook after a push, signed as GitHub and Gitea do. */
export function webhookCall(secret: string): { body: string; headers: Record<string, string> } {
  const body = '{"ref":"refs/heads/main"}';
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  return {
    body,
    headers: { 'Content-Type': 'application/json', 'X-Hub-Signature-256': `sha256=${signature}` },
  };
}

export interface GitHttpServer {
  /** Of the folder of repositories. */
  readonly url: string;
  /** Every request: method and path. */
  readonly requests: readonly string[];
  /** What it does from now on. */
  behave(how: 'well' | 'hang' | 'fail' | 'redirect'): void;
  stop(): Promise<void>;
}

export interface GitHttpOptions {
  /** Only who sends it as a password gets in. */
  readonly token?: string;
  /** Makes it https. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** Serves the repositories below a folder on 127.0.0.1. */
export async function startGitHttp(
  root: string,
  { token, tls }: GitHttpOptions = {},
): Promise<GitHttpServer> {
  const requests: string[] = [];
  let mode = 'well';
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    if (mode === 'hang') return;
    if (mode === 'fail') response.writeHead(503).end('busy');
    else if (mode === 'redirect')
      response.writeHead(302, { location: `http://127.0.0.1:1${request.url ?? ''}` }).end();
    else if (token !== undefined && !hasToken(request, token)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
    } else serveBackend(root, request, response);
  };
  const server = tls ? createTlsServer(tls, answer) : createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${address.port}`,
    requests,
    behave: (how) => {
      mode = how;
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      if (server.listening) await once(server, 'close');
    },
  };
}

function hasToken(request: IncomingMessage, token: string): boolean {
  const [, encoded = ''] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? [];
  return Buffer.from(encoded, 'base64').toString('utf8').endsWith(`:${token}`);
}

/** CGI, as a web server would do it. */
function serveBackend(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const header = (name: string): string => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : '';
  };
  const child = spawn('git', ['http-backend'], {
    env: {
      ...gitEnvironment,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: header('git-protocol'),
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: header('content-type'),
      HTTP_CONTENT_ENCODING: header('content-encoding'),
      REMOTE_ADDR: '127.0.0.1',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  response.on('close', () => child.kill());
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  let head: Buffer | undefined = Buffer.alloc(0);
  child.stdout.on('data', (chunk: Buffer) => {
    if (head === undefined) {
      response.write(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    writeHead(response, head.subarray(0, end).toString('latin1'));
    response.write(head.subarray(end + 4));
    head = undefined;
  });
  child.stdout.on('end', () => response.end());
}

function writeHead(response: ServerResponse, head: string): void {
  for (const line of head.split('\r\n')) {
    const [, name = '', value = ''] = /^([^:]+): *(.*)$/.exec(line) ?? [];
    if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
}

export interface GitSshServer {
  /** The URL of a repository by its path on this machine. */
  urlOf(path: string): string;
  readonly keyFile: string;
  readonly knownHostsFile: string;
  stop(): Promise<void>;
}

/** An sshd on 127.0.0.1 with keys and configuration of its own, all in `folder`. Lets the current user in by key. */
export async function startGitSsh(folder: string): Promise<GitSshServer> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const at = (name: string): string => join(folder, name);
  makeKey(at('host'));
  makeKey(at('user'));
  const port = await freePort();
  writeFileSync(at('known_hosts'), `[127.0.0.1]:${port} ${readFileSync(at('host.pub'), 'utf8')}`);
  cpSync(at('user.pub'), at('authorized_keys'));
  writeFileSync(at('sshd_config'), sshdConfig(port, at));
  // Where sshd puts its privilege separation; Debian makes it when the service starts.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const sshd = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', at('sshd_config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  sshd.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  await untilListening(port, sshd, () => log);
  return {
    urlOf: (path) => `ssh://${userInfo().username}@127.0.0.1:${port}${path}`,
    keyFile: at('user'),
    knownHostsFile: at('known_hosts'),
    stop: () => ended(sshd),
  };
}

/** A key pair without a passphrase. */
export function makeKey(path: string): void {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', path]);
}

function sshdConfig(port: number, at: (name: string) => string): string {
  return [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${at('host')}`,
    `AuthorizedKeysFile ${at('authorized_keys')}`,
    `PidFile ${at('sshd.pid')}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'UseDNS no',
    '',
  ].join('\n');
}

async function untilListening(port: number, server: ChildProcess, log: () => string): Promise<void> {
  const endMs = performance.now() + 10_000;
  for (;;) {
    if (server.exitCode !== null) throw new Error(`sshd ended: ${log()}`);
    const socket = connect(port, '127.0.0.1');
    const isUp = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (isUp) return;
    if (performance.now() > endMs) throw new Error(`sshd does not listen: ${log()}`);
    await sleep(10);
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
