import { readCredentials } from '../api/index.ts';
import { writeDuration } from './duration.ts';
import { errnoOf, type SettingsReader, type Surroundings } from './resolve.ts';
import type { Config, CoordinatorConfig, DockerAddress, Field, Settings } from './settings.ts';

/** How much longer than a session a node must be away to be given up: its agent needs that long to stop what moves. */
const STOPPING_MS = 2000;

type ClusterConfig = Pick<Config, 'coordinator' | 'nodeLostAfterMs' | 'strategy' | 'swarmDiscovery'>;

interface Inputs {
  readonly settings: SettingsReader;
  readonly readFile: Surroundings['readFile'];
  readonly docker: DockerAddress;
}

/** What this node shares with others, checked as a whole; what is wrong goes to `settings.problems`. */
export async function clusterConfig(inputs: Inputs): Promise<ClusterConfig> {
  const { settings } = inputs;
  const { sessionTimeoutMs, nodeLostAfterMs } = timing(settings);
  const coordinator = await coordinatorConfig(inputs, sessionTimeoutMs);
  const swarmDiscovery = swarmConfig(inputs);
  return {
    coordinator,
    nodeLostAfterMs,
    strategy: settings.value('strategy'),
    ...(swarmDiscovery && { swarmDiscovery }),
  };
}

/** A setting and whether it is right: nothing may be concluded from the default that stands in for a wrong one. */
function read<F extends Field>(settings: SettingsReader, field: F): { value: Settings[F]; isRight: boolean } {
  const before = settings.problems.length;
  const value = settings.value(field);
  return { value, isRight: settings.problems.length === before };
}

async function coordinatorConfig(
  { settings, readFile }: Inputs,
  sessionTimeoutMs: number,
): Promise<CoordinatorConfig> {
  const { value: address, isRight } = read(settings, 'coordinator');
  const authFile = settings.value('zkAuthFile');
  if (address !== 'local') {
    if (authFile !== undefined) await checkAuthFile(settings, readFile, authFile);
    return { kind: 'zookeeper', ...address, ...(authFile !== undefined && { authFile }), sessionTimeoutMs };
  }
  if (authFile !== undefined && isRight) {
    settings.problems.push(
      `${settings.where('zkAuthFile')}: is only for ZooKeeper: add --coordinator zk://host:2181/path, or remove it`,
    );
  }
  return { kind: 'local' };
}

/** Here, so that a mistake in it ends the start and is not tried again for ever. No message has its content. */
async function checkAuthFile(
  settings: SettingsReader,
  readFile: Inputs['readFile'],
  path: string,
): Promise<void> {
  const { problems } = settings;
  const place = settings.where('zkAuthFile');
  try {
    const text = await readFile(path);
    if (readCredentials(text) === undefined)
      problems.push(`${place}: ${path} must hold one line: user:password`);
  } catch (error) {
    problems.push(`${place}: ${path} cannot be read (${errnoOf(error)}): check the path and the file's mode`);
  }
}

function timing(settings: SettingsReader): { sessionTimeoutMs: number; nodeLostAfterMs: number } {
  const session = read(settings, 'sessionTimeoutMs');
  const lostAfter = read(settings, 'nodeLostAfterMs');
  const leastMs = session.value + STOPPING_MS;
  if (session.isRight && lostAfter.isRight && lostAfter.value < leastMs) {
    const [given, timeout, least] = [lostAfter.value, session.value, leastMs].map(writeDuration);
    settings.problems.push(
      `${settings.where('nodeLostAfterMs')}: ${given} is too short for a session timeout of ${timeout}: write at least ${least}, ` +
        'so that a node that was cut off has stopped its containers before others start them',
    );
  }
  return { sessionTimeoutMs: session.value, nodeLostAfterMs: lostAfter.value };
}

function swarmConfig({ settings, docker }: Inputs): Config['swarmDiscovery'] {
  const { value: tree, isRight } = read(settings, 'swarmDiscovery');
  const advertised = read(settings, 'swarmAdvertise');
  if (tree === undefined) {
    if (isRight && advertised.value !== undefined) {
      settings.problems.push(
        `${settings.where('swarmAdvertise')}: is only for --swarm-discovery: add that, or remove it`,
      );
    }
    return undefined;
  }
  const address = advertised.value ?? reachableAddress(docker);
  if (address !== undefined) return { ...tree, address };
  if (advertised.isRight) {
    settings.problems.push(
      `${settings.where('swarmDiscovery')}: other machines cannot reach the daemon at ${docker.host}: add --swarm-advertise IP:PORT with its address for them`,
    );
  }
  return undefined;
}

/** `host:port` of a daemon that listens on an address other machines can have. */
function reachableAddress({ host, tls }: DockerAddress): string | undefined {
  if (!host.startsWith('tcp://')) return undefined;
  const { hostname, port } = new URL(host);
  const isLocal = hostname === 'localhost' || /^(127\.|0\.0\.0\.0$|\[)/.test(hostname);
  return isLocal ? undefined : `${hostname}:${port || (tls ? 2376 : 2375)}`;
}
