import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OVR } from '../build/built.ts';
import { startLab, type Lab, type LabHost } from '../lab/lab.ts';
import { OverlayStore } from '../lab/overlay-store.ts';
import { run } from '../lab/run.ts';
import { startZooKeeper, type ZooKeeperServer } from '../lab/zookeeper.ts';
import { startOvrd, type Ovrd, type OvrdOptions } from '../tools/ovrd.ts';
import { ServerFiles } from '../traffic/server-files.ts';
import { startTraffic } from '../traffic/traffic.ts';
import type { LoadReport, Stage, StageHand, StageHost, StageLoad } from './stage.ts';
import type { Playbook } from '../../pkg/api/index.ts';
import type { TrafficReport } from '../traffic/report.ts';
import type { AgentEvent, AgentStatus } from '../../pkg/reconcile/index.ts';

const PORT = 9469;

/** Requests a second, and connections that stay open. */
const RATE = 50;
const CONNECTIONS = 10;

/** How long a host may be silent before it is given up. Short, so that the story does not wait. */
const SESSION = '3s';
const LOST_AFTER = '6s';

/** Three real Docker daemons on a shared overlay store, a real ZooKeeper, and one built ovrd each in its host's network. */
export async function openRealStage(options: { keep: boolean }): Promise<Stage> {
  const lab = await startLab({ topology: 'kv', hosts: 3, keep: options.keep });
  const servers = await ServerFiles.make();
  const manifests = await mkdtemp(join(tmpdir(), 'ovr-demo-manifests-'));
  const parts: Parts = { lab, servers, hosts: [], manifests };
  try {
    parts.zookeeper = await startZooKeeper({ host: lab.subnet.replace(/\.0\/24$/, '.1'), port: 2181 });
    for (const host of lab.hosts) parts.hosts.push(await RealHost.start(host, parts));
  } catch (error) {
    await close(parts);
    throw error;
  }
  return {
    kind: 'three real Docker hosts',
    lostAfter: `--node-lost-after ${LOST_AFTER}, session timeout ${SESSION}`,
    load: `${RATE} HTTP requests a second, each with a look-up of its own, and ${CONNECTIONS} connections that stay open`,
    server: (version) => serverSpec(servers, version),
    hosts: parts.hosts,
    manifests: parts.manifests,
    hints: hints(parts),
    close: () => close(parts),
  };
}

interface Parts {
  readonly lab: Lab;
  readonly servers: ServerFiles;
  readonly manifests: string;
  readonly hosts: RealHost[];
  zookeeper?: ZooKeeperServer;
}

async function close({ lab, servers, hosts, zookeeper, manifests }: Parts): Promise<void> {
  await Promise.all(hosts.map((host) => host.stop()));
  await lab.down();
  await zookeeper?.stop();
  await servers.remove();
  await rm(manifests, { recursive: true, force: true });
}

function hints({ manifests, hosts }: Parts): string[] {
  const [host] = hosts;
  return [
    `manifests: ${manifests} (edit, add or delete files)`,
    ...hosts.map(({ name, agent }) => `ovrd of ${name}: ovr --socket ${agent.socket} status`),
    `the cluster: ovr --socket ${host?.agent.socket ?? ''} get nodes`,
    `metrics: curl http://${host?.ip ?? ''}:${PORT}/metrics`,
    `a host's Docker: npm run lab -- exec ${host?.name ?? ''} -- docker ps`,
  ];
}

class RealHost implements StageHost {
  readonly name: string;
  readonly ip: string;
  readonly #host: LabHost;
  readonly #options: OvrdOptions;
  readonly #folder: string;
  readonly #storeIp: string;
  #agent: Ovrd;

  private constructor(
    host: LabHost,
    parts: { agent: Ovrd; options: OvrdOptions; folder: string; storeIp: string },
  ) {
    this.name = host.name;
    this.ip = host.ip;
    this.#host = host;
    this.#agent = parts.agent;
    this.#options = parts.options;
    this.#folder = parts.folder;
    this.#storeIp = parts.storeIp;
  }

  static async start(host: LabHost, { lab, zookeeper, manifests }: Parts): Promise<RealHost> {
    const folder = await mkdtemp(join(tmpdir(), 'ovr-demo-state-'));
    const options: OvrdOptions = {
      dockerHost: `unix://${host.socket}`,
      manifests,
      folder,
      from: 'dist',
      spawn: (command, settings) => host.spawn(command, settings),
      args: [
        ...['--listen', `${host.ip}:${PORT}`, '--node-name', host.name],
        ...['--coordinator', `zk://${zookeeper?.address ?? ''}/ovr/demo`],
        ...['--session-timeout', SESSION, '--node-lost-after', LOST_AFTER],
      ],
    };
    const storeIp = lab.hosts[0]?.ip ?? '';
    return new RealHost(host, { agent: await startOvrd(options), options, folder, storeIp });
  }

  get agent(): Ovrd {
    return this.#agent;
  }

  get hand(): StageHand {
    const docker = async (...args: string[]): Promise<void> => {
      await this.#host.docker(args);
    };
    return {
      disconnect: (container, network) => docker('network', 'disconnect', network, container),
      connect: (container, network) => docker('network', 'connect', network, container),
      remove: (container) => docker('rm', '--force', container),
      stop: (container) => docker('stop', '--time', '0', container),
      setReady: (container, isReady) => docker('exec', container, isReady ? 'touch' : 'rm', '/www/ready'),
      leaveEndpoint: async (name, network) => {
        const [id = ''] = await this.networkIds(network);
        await new OverlayStore(this.#storeIp).leaveEndpoint(id, name);
      },
    };
  }

  async unseen(deed: () => Promise<void>): Promise<void> {
    process.kill(this.#agent.pid, 'SIGSTOP');
    await deed().finally(() => process.kill(this.#agent.pid, 'SIGCONT'));
  }

  status(): Promise<AgentStatus> {
    return this.#agent.client.status();
  }

  events(afterId: number): Promise<readonly AgentEvent[]> {
    return this.#agent.client.events(afterId);
  }

  async heals(playbook: Playbook): Promise<number> {
    const answer = await fetch(`http://${this.ip}:${PORT}/metrics`, { signal: AbortSignal.timeout(10_000) });
    const line = new RegExp(`^ovr_heal_total\\{.*playbook="${playbook}".*\\} (\\d+)`, 'm').exec(
      await answer.text(),
    );
    return Number(line?.[1] ?? 0);
  }

  async networkIds(name: string): Promise<string[]> {
    return this.#lines('network', 'ls', '--no-trunc', '-q', '--filter', `name=^${name}$`);
  }

  async running(): Promise<string[]> {
    return (await this.#lines('ps', '--format', '{{.Names}}')).sort();
  }

  async containerIds(): Promise<Map<string, string>> {
    const ids = await this.#lines('ps', '-q', '--no-trunc');
    if (ids.length === 0) return new Map();
    const rows = await this.#lines('inspect', '--format', '{{.Name}} {{.Id}} {{.State.StartedAt}}', ...ids);
    return new Map(rows.map((row) => [row.slice(1, row.indexOf(' ')), row.slice(row.indexOf(' ') + 1)]));
  }

  async #lines(...args: string[]): Promise<string[]> {
    return (await this.#host.docker(args)).split('\n').filter((line) => line !== '');
  }

  async die(): Promise<void> {
    await this.#host.cutNetwork();
    await this.#agent.end('SIGKILL');
    await this.#host.stopDaemon();
  }

  async revive(): Promise<void> {
    await this.#host.restoreNetwork();
    await this.#host.startDaemon();
    this.#agent = await startOvrd(this.#options);
  }

  async resolve(container: string, name: string): Promise<string[]> {
    const { stdout } = await this.#host.exec(['docker', 'exec', container, 'nslookup', '-type=a', name]);
    return answers(stdout);
  }

  async ping(container: string, name: string): Promise<boolean> {
    const { code } = await this.#host.exec(['docker', 'exec', container, 'ping', '-c', '1', '-W', '2', name]);
    return code === 0;
  }

  async load(container: string, name: string): Promise<StageLoad> {
    const traffic = await startTraffic({
      host: this.#host,
      container,
      name,
      rate: RATE,
      connections: CONNECTIONS,
    });
    return {
      report: async () => loadReport(await traffic.report()),
      stop: async () => loadReport(await traffic.stop()),
      kill: () => traffic.kill(),
    };
  }

  async switchAlias(alias: string, labels?: Readonly<Record<string, string>>): Promise<string> {
    const to = labels ? Object.entries(labels).map(([label, value]) => `${label}=${value}`) : ['--back'];
    const { code, stdout, stderr } = await run([
      ...[process.execPath, OVR, '--socket', this.#agent.socket],
      ...['switch', alias, ...to],
    ]);
    if (code !== 0) throw new Error(`ovr switch ${alias} ${to.join(' ')}: ${(stderr || stdout).trim()}`);
    return stdout.trim();
  }

  answers(port: number): Promise<boolean> {
    return accepts(this.#host.ip, port);
  }

  async stop(): Promise<void> {
    await this.#agent.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** The manifest's own server takes few connections at once; this one does not, and leaves what the healthcheck looks for. */
function serverSpec(files: ServerFiles, version: string): Readonly<Record<string, unknown>> {
  const { command, args, ...spec } = files.spec(version);
  const shell = `mkdir -p /www; touch /www/ready; exec ${[...command, ...args].join(' ')}`;
  return { ...spec, command: ['sh', '-c'], args: [shell] };
}

function loadReport({ requests, connections }: TrafficReport): LoadReport {
  const { sent, answers, errors, slowestMs } = requests;
  const counts = Object.entries(answers).map(([version, { count }]) => [version, count] as const);
  const broken = Object.entries(connections.broken).map(
    ([kind, count]) => [`connection ${kind}`, count] as const,
  );
  const ended = connections.ended > 0 ? { 'connection ended': connections.ended } : {};
  return {
    asked: sent,
    answers: Object.fromEntries(counts),
    errors: { ...errors, ...Object.fromEntries(broken), ...ended },
    slowestMs,
  };
}

/** The addresses after the name; before it nslookup prints the server's own. */
function answers(output: string): string[] {
  const answer = output.slice(output.indexOf('Name:'));
  return [...answer.matchAll(/^Address(?: \d+)?:\s*(\d+\.\d+\.\d+\.\d+)/gm)]
    .map((match) => match[1] ?? '')
    .sort();
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2_000 });
    const end = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}
