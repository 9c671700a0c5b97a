import { errnoOf, type SettingsReader, type Surroundings } from './resolve.ts';
import type { Field, GitConfig } from './settings.ts';

/** What makes no sense without a repository. */
const OF_GIT = [
  'gitRef',
  'gitPath',
  'gitIntervalMs',
  'gitSshKey',
  'gitKnownHosts',
  'gitTokenFile',
  'gitVerifySignatures',
  'gitWebhookSecretFile',
] as const satisfies readonly Field[];

interface Inputs {
  readonly settings: SettingsReader;
  readonly readFile: Surroundings['readFile'];
}

/** The Git source, or nothing where no URL is given; what does not fit together goes to `settings.problems`. */
export async function gitConfig({ settings, readFile }: Inputs): Promise<GitConfig | undefined> {
  const before = settings.problems.length;
  const url = settings.value('gitUrl');
  const values = readValues(settings);
  if (url === undefined) {
    if (settings.problems.length > before) return undefined;
    for (const field of OF_GIT.filter((field) => settings.isGiven(field))) {
      settings.problems.push(`${settings.where(field)}: is only for --git-url: add that, or remove it`);
    }
    return undefined;
  }
  checkTransport(settings, url, values);
  if (values.webhookSecretFile !== undefined) {
    await checkSecretFile(settings, readFile, values.webhookSecretFile);
  }
  return { url, ...values };
}

type Values = Omit<GitConfig, 'url'>;

function readValues(settings: SettingsReader): Values {
  const [ref, path] = [settings.value('gitRef'), settings.value('gitPath')];
  const [sshKeyFile, knownHostsFile] = [settings.value('gitSshKey'), settings.value('gitKnownHosts')];
  const tokenFile = settings.value('gitTokenFile');
  const verifyKeyring = settings.value('gitVerifySignatures');
  const webhookSecretFile = settings.value('gitWebhookSecretFile');
  return {
    intervalMs: settings.value('gitIntervalMs'),
    ...(ref !== undefined && { ref }),
    ...(path !== undefined && { path }),
    ...(sshKeyFile !== undefined && { sshKeyFile }),
    ...(knownHostsFile !== undefined && { knownHostsFile }),
    ...(tokenFile !== undefined && { tokenFile }),
    ...(verifyKeyring !== undefined && { verifyKeyring }),
    ...(webhookSecretFile !== undefined && { webhookSecretFile }),
  };
}

/** Keys are for ssh, tokens for http and https. */
function checkTransport(settings: SettingsReader, url: string, values: Values): void {
  const complain = (field: Field, what: string): void =>
    void settings.problems.push(`${settings.where(field)}: ${what}`);
  if (isSsh(url)) {
    if (values.sshKeyFile === undefined) {
      complain('gitUrl', 'is over ssh and needs a private key: add --git-ssh-key FILE');
    }
    if (values.knownHostsFile === undefined) {
      complain(
        'gitUrl',
        "is over ssh and needs the server's host key, so that nobody else can pose as it: add --git-known-hosts FILE, made with ssh-keyscan HOST",
      );
    }
    if (values.tokenFile !== undefined)
      complain('gitTokenFile', 'is only for https: use an https URL, or remove it');
    return;
  }
  for (const field of ['gitSshKey', 'gitKnownHosts'] as const) {
    if (settings.isGiven(field)) complain(field, 'is only for ssh: use an ssh URL, or remove it');
  }
}

function isSsh(url: string): boolean {
  return url.includes('://') ? url.startsWith('ssh://') : true;
}

/** Here, so that a mistake in it ends the start and does not show with the first webhook. No message has its content. */
async function checkSecretFile(
  settings: SettingsReader,
  readFile: Inputs['readFile'],
  path: string,
): Promise<void> {
  const place = settings.where('gitWebhookSecretFile');
  try {
    if ((await readFile(path)).trim() === '') settings.problems.push(`${place}: ${path} has no secret in it`);
  } catch (error) {
    settings.problems.push(
      `${place}: ${path} cannot be read (${errnoOf(error)}): check the path and the file's mode`,
    );
  }
}
