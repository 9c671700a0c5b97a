import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tmpdir } from 'node:os';
import type { GitSource } from '../../pkg/source/index.ts';
import { contentOf, GitStage, namesOf, network } from '../tools/git-stage.ts';
import {
  type GitHttpServer,
  type GitSshServer,
  makeKey,
  startGitHttp,
  startGitSsh,
} from '../tools/git-server.ts';

/** The Git source over http and ssh, and with signatures: real servers on loopback, real keys. */

const TOKEN = 'ghp_PlantedSecret0123456789';

let stage: GitStage;

beforeEach(() => {
  stage = new GitStage();
});

const servers: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  await stage.clear();
  for (const server of servers.splice(0)) await server.stop();
});

function codes(source: GitSource): string[] {
  return source.state().diagnostics.map(({ code }) => code);
}

async function syncedCode(source: GitSource): Promise<string | undefined> {
  await source.sync();
  expect(codes(source)).toEqual(source.state().problem === undefined ? [] : [source.state().problem]);
  return source.state().problem;
}

describe('over http', () => {
  let server: GitHttpServer;

  async function serve(token?: string): Promise<string> {
    server = await startGitHttp(stage.base, token === undefined ? {} : { token });
    servers.push(server);
    return `${server.url}/repo.git`;
  }

  it('pulls what was pushed', async () => {
    stage.repository.push({ 'a.yaml': network('a') });
    const source = await stage.start({ url: await serve() });
    stage.repository.push({ 'b.yaml': network('b') });
    const startMs = performance.now();
    await source.sync();
    console.log(`http: pushed to in force in ${Math.round(performance.now() - startMs)} ms`);
    expect([namesOf(source), codes(source)]).toEqual([['a', 'b'], []]);
  });

  it('shows a token to nobody but the server', async () => {
    const url = await serve(TOKEN);
    const tokenFile = join(stage.base, 'token');
    const spied = join(stage.base, 'spied');
    const environment = stage.wrapGit(`{ echo "$@"; env; } >> '${spied}'\nexec {git} "$@"`);
    stage.repository.push({ 'a.yaml': network('a') });
    writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
    const source = await stage.start({ url, tokenFile, environment });
    expect([namesOf(source), codes(source)]).toEqual([['a'], []]);
    stage.repository.push({ 'b.yaml': network('b') });
    await source.sync();
    writeFileSync(tokenFile, 'wrong');
    expect(await syncedCode(source)).toBe('git-auth');
    rmSync(tokenFile);
    expect(await syncedCode(source)).toBe('git-auth');
    writeFileSync(tokenFile, `${TOKEN} and more`);
    expect(await syncedCode(source)).toBe('git-auth');
    writeFileSync(tokenFile, TOKEN);
    stage.repository.push({ 'c.yaml': network('c') });
    expect(await syncedCode(source)).toBeUndefined();
    expect(namesOf(source)).toEqual(['a', 'b', 'c']);
    const shown = [
      contentOf(stage.stateDir),
      readFileSync(spied, 'latin1'),
      stage.log.join('\n'),
      JSON.stringify(source.state()),
    ].join('\n');
    expect(shown).toContain('ls-remote');
    for (const secret of [
      TOKEN,
      Buffer.from(`git:${TOKEN}`).toString('base64'),
      Buffer.from(TOKEN).toString('base64').slice(3, 20),
    ]) {
      expect(shown).not.toContain(secret);
    }
  });

  it('trusts a certificate only if it is told to', async () => {
    const at = (name: string): string => join(stage.base, name);
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const files = ['-keyout', at('key.pem'), '-out', at('cert.pem')];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, ...files],
      {
        stdio: 'ignore',
      },
    );
    const tls = { key: readFileSync(at('key.pem'), 'utf8'), cert: readFileSync(at('cert.pem'), 'utf8') };
    server = await startGitHttp(stage.base, { tls });
    servers.push(server);
    stage.repository.push({ 'a.yaml': network('a') });
    const source = await stage.start({ url: `${server.url}/repo.git` });
    expect(codes(source)).toEqual(['git-unreachable']);
    expect(source.state().diagnostics[0]?.message).toContain('certificate');
    const environment = { ...process.env, SSL_CERT_FILE: at('cert.pem') };
    const trusting = await stage.restart(source, { url: `${server.url}/repo.git`, environment });
    expect([namesOf(trusting), codes(trusting)]).toEqual([['a'], []]);
  });

  it('asks for nothing when the server wants to know who asks', async () => {
    stage.repository.push({ 'a.yaml': network('a') });
    const source = await stage.start({ url: await serve(TOKEN) });
    expect(codes(source)).toEqual(['git-auth']);
  });

  it('keeps the last commit while the server fails, leads elsewhere, hangs or is gone', async () => {
    stage.repository.push({ 'a.yaml': network('a') });
    const source = await stage.start({ url: await serve(), timeoutMs: 1_500 });
    for (const [how, code] of [
      ['fail', 'git-unreachable'],
      ['redirect', 'git-redirected'],
      ['hang', 'git-timeout'],
    ] as const) {
      server.behave(how);
      expect(await syncedCode(source)).toBe(code);
      expect(namesOf(source)).toEqual(['a']);
    }
    await server.stop();
    expect(await syncedCode(source)).toBe('git-unreachable');
    const { doubt } = source.state();
    expect(await syncedCode(source)).toBe('git-unreachable');
    expect(source.state().doubt).toBe(doubt);
    expect(namesOf(source)).toEqual(['a']);
  });

  it('says when there is no such repository', async () => {
    const url = await serve();
    expect(codes(await stage.start({ url: `${url}.other` }))).toEqual(['git-repository-missing']);
  });
});

describe('over ssh', () => {
  let server: GitSshServer;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ovr-git-ssh-'));
    server = await startGitSsh(folder);
  });

  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  const options = (): { url: string; sshKeyFile: string; knownHostsFile: string } => ({
    url: server.urlOf(stage.repository.bare),
    sshKeyFile: server.keyFile,
    knownHostsFile: server.knownHostsFile,
  });

  it('pulls what was pushed', async () => {
    stage.repository.push({ 'a.yaml': network('a') });
    const source = await stage.start(options());
    stage.repository.push({ 'b.yaml': network('b') });
    const startMs = performance.now();
    await source.sync();
    console.log(`ssh: pushed to in force in ${Math.round(performance.now() - startMs)} ms`);
    expect([namesOf(source), codes(source)]).toEqual([['a', 'b'], []]);
  });

  it('trusts only the known host and uses only the given key', async () => {
    stage.repository.push({ 'a.yaml': network('a') });
    const at = (name: string): string => join(stage.base, name);
    makeKey(at('foreign'));
    copyFileSync(server.keyFile, at('open'));
    chmodSync(at('open'), 0o644);
    writeFileSync(at('garbage'), 'no key\n', { mode: 0o600 });
    writeFileSync(at('empty'), '');
    const known = readFileSync(server.knownHostsFile, 'utf8');
    writeFileSync(at('changed'), known.replace(/ssh-ed25519 .*/, readFileSync(at('foreign.pub'), 'utf8')));
    const wrong: [object, string, string][] = [
      [{ knownHostsFile: at('empty') }, 'git-host-key', 'host key'],
      [{ knownHostsFile: at('changed') }, 'git-host-key', 'host key'],
      [{ knownHostsFile: at('none') }, 'git-key-file', 'known-hosts file'],
      [{ sshKeyFile: at('foreign') }, 'git-auth', 'check the token or the key'],
      [{ sshKeyFile: at('open') }, 'git-key-file', `chmod 600 ${at('open')}`],
      [{ sshKeyFile: at('garbage') }, 'git-key-file', 'key file'],
      [{ sshKeyFile: at('none') }, 'git-key-file', 'no key file'],
    ];
    for (const [more, code, message] of wrong) {
      const source = await stage.start({
        ...options(),
        ...more,
        stateDir: at(`state-${message.slice(0, 3)}`),
      });
      expect([more, codes(source)]).toEqual([more, [code]]);
      expect(source.state().diagnostics[0]?.message).toContain(message);
      expect(namesOf(source)).toEqual([]);
      await source.stop();
    }
  });
});

describe('with a keyring', () => {
  let keys: string;
  let gpg: Record<'known' | 'foreign', string>;

  const gpgHome = (): NodeJS.ProcessEnv => ({ ...process.env, GNUPGHOME: join(keys, 'gnupg') });
  const runGpg = (...args: string[]): Buffer =>
    execFileSync('gpg', ['--batch', '--quiet', ...args], {
      env: gpgHome(),
      stdio: ['ignore', 'pipe', 'ignore'],
    });

  beforeAll(() => {
    keys = mkdtempSync(join(tmpdir(), 'ovr-git-keys-'));
    mkdirSync(join(keys, 'gnupg'), { mode: 0o700 });
    const make = (name: string): string => {
      runGpg(
        '--passphrase',
        '',
        '--quick-generate-key',
        `${name} <${name}@example.org>`,
        'ed25519',
        'sign',
        'never',
      );
      return `${name}@example.org`;
    };
    gpg = { known: make('known'), foreign: make('foreign') };
    writeFileSync(join(keys, 'armored.asc'), runGpg('--armor', '--export', gpg.known));
    writeFileSync(join(keys, 'binary.gpg'), runGpg('--export', gpg.known));
    for (const name of ['known', 'foreign']) makeKey(join(keys, name));
    writeFileSync(
      join(keys, 'signers'),
      `# who may\nann@example.org ${readFileSync(join(keys, 'known.pub'), 'utf8')}`,
    );
  });

  afterAll(() => {
    execFileSync('gpgconf', ['--kill', 'all'], { env: gpgHome() });
    rmSync(keys, { recursive: true });
  });

  /** Pushes one network, signed by somebody or nobody. */
  function push(
    name: string,
    how: 'unsigned' | 'gpg-known' | 'gpg-foreign' | 'ssh-known' | 'ssh-foreign',
  ): void {
    const [type, who = ''] = how.split('-');
    const options: Record<string, string[]> = {
      unsigned: [],
      gpg: ['-c', `user.signingKey=${who}@example.org`, '-c', 'commit.gpgSign=true'],
      ssh: ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${join(keys, who)}`, '-c', 'commit.gpgSign=true'],
    };
    stage.repository.write({ 'a.yaml': network(name) });
    stage.repository.commit(`Add ${name}`, options[type ?? ''], gpgHome());
    stage.repository.git(['push', '--force', 'origin', 'HEAD']);
  }

  it.each([
    ['armored.asc', 'gpg', 'ssh'],
    ['binary.gpg', 'gpg', 'ssh'],
    ['signers', 'ssh', 'gpg'],
  ] as const)('%s takes only commits signed by a key in it', async (file, own, other) => {
    push('first', `${own}-known`);
    const source = await stage.start({ verifyKeyring: join(keys, file) });
    expect([namesOf(source), codes(source)]).toEqual([['first'], []]);
    for (const [how, code] of [
      ['unsigned', 'git-unsigned'],
      [`${own}-foreign`, 'git-signature-bad'],
      [`${other}-known`, 'git-signature-bad'],
      [`${other}-foreign`, 'git-signature-bad'],
    ] as const) {
      push('never', how);
      expect([how, await syncedCode(source)]).toEqual([how, code]);
      expect(namesOf(source)).toEqual(['first']);
      expect(source.state().doubt).toBeDefined();
    }
    const again = await stage.restart(source, { verifyKeyring: join(keys, file) });
    expect([namesOf(again), codes(again)]).toEqual([['first'], ['git-signature-bad']]);
    push('second', `${own}-known`);
    expect(await syncedCode(again)).toBeUndefined();
    expect(namesOf(again)).toEqual(['second']);
  });

  it('refuses a commit that was changed after it was signed', async () => {
    push('first', 'gpg-known');
    const source = await stage.start({ verifyKeyring: join(keys, 'armored.asc') });
    push('second', 'gpg-known');
    const forged = stage.repository.git(['cat-file', 'commit', 'HEAD']).replace('Add second', 'Add forged');
    const hash = execFileSync('git', ['hash-object', '-t', 'commit', '-w', '--stdin'], {
      cwd: stage.repository.work,
      input: forged,
      encoding: 'utf8',
    });
    stage.repository.git(['push', '--force', 'origin', `${hash.trim()}:main`]);
    expect(await syncedCode(source)).toBe('git-signature-bad');
    expect(source.state().diagnostics[0]?.message).toContain('changed after it was signed');
    expect(namesOf(source)).toEqual(['first']);
  });

  it('accepts a commit once its key was added, and drops none when a key is taken away', async () => {
    const keyring = join(stage.base, 'keyring');
    copyFileSync(join(keys, 'signers'), keyring);
    push('first', 'ssh-foreign');
    const source = await stage.start({ verifyKeyring: keyring });
    expect([namesOf(source), codes(source)]).toEqual([[], ['git-signature-bad']]);
    writeFileSync(keyring, `bob@example.org ${readFileSync(join(keys, 'foreign.pub'), 'utf8')}`);
    expect(await syncedCode(source)).toBeUndefined();
    expect(namesOf(source)).toEqual(['first']);
    copyFileSync(join(keys, 'signers'), keyring);
    expect(await syncedCode(source)).toBeUndefined();
    const again = await stage.restart(source, { verifyKeyring: keyring });
    expect([namesOf(again), codes(again)]).toEqual([[], ['git-signature-bad']]);
  });

  it('that is of no use lets nothing in, and says so', async () => {
    push('first', 'gpg-known');
    for (const content of [undefined, '', 'text', '-----BEGIN OPENSSH PRIVATE KEY-----\n']) {
      const keyring = join(stage.base, 'keyring');
      rmSync(keyring, { force: true });
      if (content !== undefined) writeFileSync(keyring, content);
      const source = await stage.start({ verifyKeyring: keyring });
      expect([content, codes(source)]).toEqual([content, ['git-keyring']]);
      await source.stop();
    }
    expect(existsSync(join(stage.cache, 'applied.json'))).toBe(false);
  });
});
