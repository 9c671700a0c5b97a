/** A push to a Git server, over http and over ssh, and its webhook: how long until the engine is asked for what was pushed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startGitHttp, startGitSsh, webhookCall } from '../../tools/git-server.ts';
import { GitStage } from '../../tools/git-stage.ts';
import { ensureDebianPackages } from '../../tools/packages.ts';
import { freePort } from '../../tools/prometheus.ts';
import { EngineTap } from '../engine-tap.ts';
import { type Bench, type Outcome, type Row, verdict } from '../row.ts';
import { type Stage, converged, restBetween, withOvrd } from '../stage.ts';
import { formatMs, formatSpread } from '../stats.ts';
import { containerManifest, networkManifest } from '../workload.ts';

const PUSHES = 20;
const QUICK_PUSHES = 5;
const LIMIT_MS = 1_000;
const NETWORK = 'bench0';
const SECRET = 'of the webhook';

/** A server that has the repository, and what ovrd needs to get at it. */
interface Server {
  readonly kind: 'http' | 'ssh';
  readonly args: readonly string[];
  stop(): Promise<void>;
}

export const gitPush: Row = {
  name: 'git-push',
  measure: async (bench) => {
    await ensureDebianPackages(['openssh-server']);
    const stage = await bench.stage();
    const git = new GitStage();
    const servers: Server[] = [];
    try {
      writeFileSync(join(git.base, 'secret'), SECRET);
      git.repository.push({ 'network.yaml': networkManifest(NETWORK, '10.0.9.0/24') });
      servers.push(await serveHttp(git));
      servers.push(await serveSsh(git));
      const outcomes: Outcome[] = [];
      for (const server of servers) outcomes.push(await measureOver(server, { bench, stage, git }));
      return outcomes;
    } finally {
      for (const server of servers) await server.stop();
      await git.clear();
      await stage.clean();
    }
  },
};

async function serveHttp({ base }: GitStage): Promise<Server> {
  const server = await startGitHttp(base);
  return { kind: 'http', args: ['--git-url', `${server.url}/repo.git`], stop: () => server.stop() };
}

async function serveSsh({ base, repository }: GitStage): Promise<Server> {
  const server = await startGitSsh(join(base, 'ssh'));
  const keys = ['--git-ssh-key', server.keyFile, '--git-known-hosts', server.knownHostsFile];
  return {
    kind: 'ssh',
    args: ['--git-url', server.urlOf(repository.bare), ...keys],
    stop: () => server.stop(),
  };
}

interface Scene {
  readonly bench: Bench;
  readonly stage: Stage;
  readonly git: GitStage;
}

async function measureOver({ kind, args }: Server, scene: Scene): Promise<Outcome> {
  const { stage, git } = scene;
  await stage.clean();
  const listen = `127.0.0.1:${await freePort()}`;
  const tap = await EngineTap.open(stage.host.socket);
  // An hour between polls: what happens sooner comes of the webhook.
  const hook = ['--git-interval', '1h', '--git-webhook-secret-file', join(git.base, 'secret')];
  try {
    const delays = await withOvrd(
      { socket: tap.socketPath, args: [...args, ...hook, '--listen', listen] },
      async (ovrd) => {
        await converged(ovrd);
        return pushes(kind, { ...scene, tap, url: `http://${listen}/v1/hooks/git` });
      },
    );
    return outcome(kind, delays);
  } finally {
    await tap.close();
  }
}

async function pushes(
  kind: Server['kind'],
  { bench, stage, git, tap, url }: Scene & { readonly tap: EngineTap; readonly url: string },
): Promise<number[]> {
  const count = bench.quick ? QUICK_PUSHES : PUSHES;
  const delays: number[] = [];
  for (let index = 1; index <= count; index += 1) {
    const name = `${kind}-${index}`;
    await restBetween();
    git.repository.push({ [`${name}.yaml`]: containerManifest(name, NETWORK, ['site']) });
    const pushedMs = performance.now();
    const [created] = await Promise.all([
      tap.next('POST', /^\/containers\/create\b/),
      stage.events.started(name),
      callHook(url),
    ]);
    delays.push(created.atMs - pushedMs);
  }
  bench.progress(`${count} pushes over ${kind}`);
  return delays;
}

async function callHook(url: string): Promise<void> {
  const { status } = await fetch(url, { method: 'POST', ...webhookCall(SECRET) });
  if (status !== 202) throw new Error(`the webhook was answered with ${status}`);
}

function outcome(kind: Server['kind'], delays: readonly number[]): Outcome {
  const worst = Math.max(...delays);
  return {
    what: `a push to a Git server over ${kind} has ended → its webhook, and the engine is asked for the container`,
    ovr: formatSpread(delays),
    peer: '',
    found: `worst of ${delays.length}: ${formatMs(worst)}`,
    limit: '≤ 1 s',
    verdict: verdict(worst <= LIMIT_MS),
    samples: { [kind]: delays },
  };
}
