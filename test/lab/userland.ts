/** The root file systems that hosts are layered over. */
import { access, mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { must, run } from './run.ts';
import { type EngineKind, withLock } from './state.ts';

/** Outside the repository, because it is large and serves every checkout. */
const cache = '/var/cache/ovr-lab';
const release = 'trixie';
const packages = 'docker.io,docker-cli,docker-compose,iproute2,iptables,procps,ca-certificates';

interface Source {
  uri: string;
  suite: string;
}

/** One-line sources: `deb [options] URI SUITE COMPONENT…`. */
function lineSources(text: string): Source[] {
  const matches = text.matchAll(/^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/gm);
  return [...matches].map(([, uri = '', suite = '']) => ({ uri, suite }));
}

/** Sources in paragraphs of `Types:`, `URIs:`, `Suites:`. */
function paragraphSources(text: string): Source[] {
  return text.split(/\n\s*\n/).flatMap((paragraph) => {
    const field = (name: string): string[] =>
      (new RegExp(`^${name}:(.*)$`, 'im').exec(paragraph)?.[1] ?? '').trim().split(/\s+/);
    if (!field('Types').includes('deb') || field('Enabled').includes('no')) return [];
    return field('URIs').flatMap((uri) => field('Suites').map((suite) => ({ uri, suite })));
  });
}

async function aptSources(): Promise<Source[]> {
  const folder = '/etc/apt/sources.list.d';
  const names = await readdir(folder).catch(() => []);
  const files = ['/etc/apt/sources.list', ...names.sort().map((name) => join(folder, name))];
  const texts = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(file, 'utf8').catch(() => '');
      return file.endsWith('.sources') ? paragraphSources(text) : lineSources(text);
    }),
  );
  return texts.flat();
}

/** The mirror that this machine gets Debian itself from. */
async function debianMirror(): Promise<string> {
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1];
  const source = (await aptSources()).find(
    ({ uri, suite }) => suite === codename && /^(https?|file):/.test(uri),
  );
  if (source !== undefined) return source.uri;
  throw new Error(
    `found no Debian mirror for ${codename ?? 'this release'} in /etc/apt: the newer engine is installed from it`,
  );
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

async function install(folder: string): Promise<void> {
  const mirror = await debianMirror();
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true }); // of a run that was cut short; its mounts ended with it
  await mkdir(cache, { recursive: true });
  console.error(
    `installing Debian ${release} with Docker and Compose in ${folder}, once; this takes a minute or two`,
  );
  const bootstrap = ['debootstrap', '--variant=minbase', `--include=${packages}`, release, partial, mirror];
  const alone = ['unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'];
  const { code, stdout, stderr } = await run([...alone, ...bootstrap], { timeoutMs: 900_000 });
  if (code !== 0) {
    const lines = `${stdout}\n${stderr}`.trim().split('\n').slice(-5).join('\n');
    throw new Error(`debootstrap of ${release} failed with ${code}:\n${lines}`);
  }
  await must([
    'sh',
    '-c',
    'rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*',
    'sh',
    partial,
  ]);
  await rename(partial, folder);
}

/** The folder that a host of this engine has as its lower layer; the newer engine is installed on its first use. */
export async function userland(engine: EngineKind): Promise<string> {
  if (engine === 'debian') return '/';
  const folder = join(cache, release);
  await withLock('.userland', async () => {
    if (!(await exists(folder))) await install(folder);
  });
  return folder;
}
