/** Manifests from Git for an ovrd under systemd: a repository, its servers on the machine's loopback, and the files that ovrd reads. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { until } from '../lab/run.ts';
import { TestRepository, makeKey, webhookCall } from './git-server.ts';
import { STAND_IN_KEY, installSopsStandIn } from './sops-stand-in.ts';

const PATIENCE_MS = 60_000;
const TOKEN = 'ghp_ATokenOfTheTest';
const HOOK_SECRET = 'a secret of the webhook';
const OPENPGP_SIGNER = 'ann@example.org';
const API = 'http://127.0.0.1:9469';
/** Where ovrd's own files are, as docs/operations.md names them. */
const FILES = {
  key: '/etc/ovr/git-key',
  knownHosts: '/etc/ovr/git-known-hosts',
  token: '/etc/ovr/git-token',
  webhook: '/etc/ovr/git-webhook',
  openpgp: '/etc/ovr/git-keyring',
  ssh: '/etc/ovr/git-signers',
  age: '/etc/ovr/age.key',
} as const;

const serversAnswer = z.object({
  ssh: z.string(),
  http: z.string(),
  key: z.string(),
  knownHosts: z.string(),
});
const statusAnswer = z.object({
  sources: z.array(z.object({ commit: z.object({ commit: z.string() }).optional() })),
});

/** A unit for the machine's target to want. */
export const gitServersUnit = `[Service]
ExecStart=/opt/node /opt/ovr/test/integration/systemd-git-servers.ts @SHARED@ ${TOKEN}
`;

type Transport = 'ssh' | 'http' | 'file';
type Signer = 'openpgp' | 'ssh';

interface MachineGitParts {
  /** The folder that machine and test share. */
  readonly shared: string;
  /** Runs a command on the machine that may not fail. */
  readonly must: (cmd: string[]) => Promise<string>;
  /** Who runs ovrd there, and so has the files. */
  readonly user: string;
}

/** The repository of one machine, and everything that its ovrd needs to read it. */
export class MachineGit {
  readonly #parts: MachineGitParts;
  readonly #repository: TestRepository;
  readonly #urls: Readonly<Record<Transport, string>>;

  static async start(parts: MachineGitParts): Promise<MachineGit> {
    const { shared, must } = parts;
    const servers = await until('the Git servers', PATIENCE_MS, () => {
      try {
        return serversAnswer.parse(JSON.parse(readFileSync(join(shared, 'servers.json'), 'utf8')));
      } catch {
        return undefined;
      }
    });
    // Where ovrd sees it: the shared folder is below /tmp, and the unit has a /tmp of its own.
    const seen = '/srv/manifests.git';
    const git = new MachineGit(parts, { ssh: servers.ssh, http: servers.http, file: `file://${seen}` });
    await must(['mkdir', '-p', seen]);
    await must(['mount', '--bind', git.#repository.bare, seen]);
    await git.#installFiles(servers);
    return git;
  }

  private constructor(parts: MachineGitParts, urls: Readonly<Record<Transport, string>>) {
    this.#parts = parts;
    this.#urls = urls;
    this.#repository = new TestRepository(parts.shared);
    mkdirSync(this.#at('gnupg'), { mode: 0o700 });
    const ann = `Ann <${OPENPGP_SIGNER}>`;
    this.#gpg('--passphrase', '', '--quick-generate-key', ann, 'ed25519', 'sign', 'never');
    makeKey(this.#at('signer'));
  }

  /** Commits and pushes, signed by Ann in this way or unsigned; returns the hash. */
  push(files: Readonly<Record<string, string>>, signer?: Signer): string {
    const key = { openpgp: OPENPGP_SIGNER, ssh: this.#at('signer') };
    const signed =
      signer === undefined ? [] : ['-c', `user.signingKey=${key[signer]}`, '-c', 'commit.gpgSign=true'];
    const format = signer === undefined ? [] : ['-c', `gpg.format=${signer}`];
    this.#repository.write(files);
    const commit = this.#repository.commit('Change', [...format, ...signed], this.#gpgHome());
    this.#repository.git(['push', '--force', 'origin', 'HEAD']);
    return commit;
  }

  /** Starts ovrd anew on the repository. An hour between polls: what happens sooner was asked for. */
  async use(transport: Transport, signer: Signer): Promise<void> {
    const options = {
      OVR_GIT_URL: this.#urls[transport],
      OVR_GIT_INTERVAL: '1h',
      OVR_GIT_VERIFY_SIGNATURES: FILES[signer],
      OVR_GIT_WEBHOOK_SECRET_FILE: FILES.webhook,
      OVR_SOPS_AGE_KEY_FILE: FILES.age,
      ...(transport === 'ssh' ? { OVR_GIT_SSH_KEY: FILES.key, OVR_GIT_KNOWN_HOSTS: FILES.knownHosts } : {}),
      ...(transport === 'http' ? { OVR_GIT_TOKEN_FILE: FILES.token } : {}),
    };
    const lines = Object.entries(options).map(([name, value]) => `${name}=${value}\n`);
    await this.#install('/etc/default/ovrd', lines.join(''), 'root');
    await this.#parts.must(['systemctl', 'restart', 'ovrd']);
  }

  /** Says that there was a push, as GitHub does. */
  async webhook(): Promise<void> {
    const { body, headers } = webhookCall(HOOK_SECRET);
    const lines = Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]);
    await this.#parts.must(['busybox', 'wget', '-qO-', ...lines, '--post-data', body, `${API}/v1/hooks/git`]);
  }

  /** Waits until a commit is in force. */
  async untilInForce(commit: string): Promise<void> {
    await until(`commit ${commit}`, PATIENCE_MS, async () => {
      const answer = await this.#parts
        .must(['busybox', 'wget', '-qO-', `${API}/v1/status`])
        .catch(() => undefined);
      if (answer === undefined) return undefined; // it starts
      const { sources } = statusAnswer.parse(JSON.parse(answer));
      return sources.some((source) => source.commit?.commit === commit) ? true : undefined;
    });
  }

  /** Ends what signing has started. */
  stop(): void {
    execFileSync('gpgconf', ['--kill', 'all'], { env: this.#gpgHome() });
  }

  async #installFiles(servers: z.infer<typeof serversAnswer>): Promise<void> {
    const texts: readonly (readonly [string, string])[] = [
      [FILES.key, readFileSync(servers.key, 'utf8')],
      [FILES.knownHosts, readFileSync(servers.knownHosts, 'utf8')],
      [FILES.token, `${TOKEN}\n`],
      [FILES.webhook, `${HOOK_SECRET}\n`],
      [FILES.openpgp, this.#gpg('--armor', '--export', OPENPGP_SIGNER)],
      [FILES.ssh, `${OPENPGP_SIGNER} ${readFileSync(this.#at('signer.pub'), 'utf8')}`],
      [FILES.age, `${STAND_IN_KEY}\n`],
    ];
    for (const [path, text] of texts) await this.#install(path, text, this.#parts.user);
    await installSopsStandIn(this.#at('bin'), { node: '/opt/node', yaml: '/opt/ovr/node_modules/yaml' });
    await this.#parts.must(['cp', this.#at('bin/sops'), '/usr/local/bin/sops']);
  }

  /** As docs/git.md tells to put secrets in place. */
  async #install(path: string, text: string, owner: string): Promise<void> {
    writeFileSync(this.#at('file'), text);
    await this.#parts.must(['install', '-m', '600', '-o', owner, this.#at('file'), path]);
  }

  #at(name: string): string {
    return join(this.#parts.shared, name);
  }

  #gpgHome(): NodeJS.ProcessEnv {
    return { ...process.env, GNUPGHOME: this.#at('gnupg') };
  }

  #gpg(...args: string[]): string {
    return execFileSync('gpg', ['--batch', '--quiet', ...args], {
      env: this.#gpgHome(),
      stdio: ['ignore', 'pipe', 'ignore'],
      encoding: 'utf8',
    });
  }
}
