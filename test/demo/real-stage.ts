import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLab, type Lab, type LabHost } from '../lab/lab.ts';
import { startOvrd, type Ovrd } from '../tools/ovrd.ts';
import type { Stage, StageHost } from './stage.ts';

const PORT = 9469;

/** Three real Docker daemons on a shared overlay store, one built ovrd each. */
export async function openRealStage(options: { keep: boolean }): Promise<Stage> {
  const lab = await startLab({ topology: 'kv', hosts: 3, keep: options.keep });
  const manifests = await mkdtemp(join(tmpdir(), 'ovr-demo-manifests-'));
  const agents: Ovrd[] = [];
  try {
    for (const [index, host] of lab.hosts.entries()) {
      const args = ['--listen', `127.0.0.1:${PORT + index}`];
      agents.push(await startOvrd({ dockerHost: `unix://${host.socket}`, manifests, args, from: 'dist' }));
    }
  } catch (error) {
    await close(lab, agents, manifests);
    throw error;
  }
  return {
    kind: 'three real Docker hosts',
    hosts: lab.hosts.map((host, index) => realHost(host, agents[index])),
    manifests,
    hints: hints(lab, agents, manifests),
    close: () => close(lab, agents, manifests),
  };
}

async function close(lab: Lab, agents: readonly Ovrd[], manifests: string): Promise<void> {
  await Promise.all(agents.map((agent) => agent.stop()));
  await lab.down();
  await rm(manifests, { recursive: true, force: true });
}

function hints(lab: Lab, agents: readonly Ovrd[], manifests: string): string[] {
  const [host] = lab.hosts;
  return [
    `manifests: ${manifests} (edit, add or delete files)`,
    ...agents.map(
      (agent, index) => `ovrd of ${lab.hosts[index]?.name ?? ''}: ovr --socket ${agent.socket} status`,
    ),
    `metrics: curl http://127.0.0.1:${PORT}/metrics`,
    `a host's Docker: npm run lab -- exec ${host?.name ?? ''} -- docker ps`,
  ];
}

function realHost(host: LabHost, agent: Ovrd | undefined): StageHost {
  if (!agent) throw new Error(`no ovrd for ${host.name}`);
  const docker = async (...args: string[]): Promise<void> => {
    await host.docker(args);
  };
  return {
    name: host.name,
    hand: {
      disconnect: (container, network) => docker('network', 'disconnect', network, container),
      connect: (container, network) => docker('network', 'connect', network, container),
      remove: (container) => docker('rm', '--force', container),
      stop: (container) => docker('stop', '--time', '0', container),
    },
    unseen: async (deed) => {
      process.kill(agent.pid, 'SIGSTOP');
      await deed().finally(() => process.kill(agent.pid, 'SIGCONT'));
    },
    status: () => agent.client.status(),
    events: (afterId) => agent.client.events(afterId),
    networkIds: async (name) =>
      lines(await host.docker(['network', 'ls', '--no-trunc', '-q', '--filter', `name=^${name}$`])),
    running: async () => lines(await host.docker(['ps', '--format', '{{.Names}}'])).sort(),
    resolve: async (container, name) => {
      const { stdout } = await host.exec(['docker', 'exec', container, 'nslookup', '-type=a', name]);
      return answers(stdout);
    },
    ping: async (container, name) => {
      const { code } = await host.exec(['docker', 'exec', container, 'ping', '-c', '1', '-W', '2', name]);
      return code === 0;
    },
    answers: (port) => accepts(host.ip, port),
  };
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
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
