import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../pkg/agent/index.ts';
import { silentLogger } from '../../pkg/api/index.ts';
import { createDockerEngine } from '../../pkg/docker/index.ts';
import { type ContractSubject, describeEngineContract } from '../contract/engine.contract.ts';
import { type LabOptions, startLab } from '../lab/lab.ts';

const IMAGE = 'busybox:latest';
/** Another name lets two runs share a machine. */
const LAB = process.env['OVR_TEST_LAB'] ?? 'contract';

interface Variant extends LabOptions {
  readonly apiVersion?: string;
  /** With a watch, as the agent has one, the adapter caches; without one it reads everything again. */
  readonly watched?: boolean;
}

async function dockerSubject({ apiVersion, watched = true, ...options }: Variant): Promise<ContractSubject> {
  const lab = await startLab(options);
  const [host] = lab.hosts;
  if (host === undefined) throw new Error('the lab has no host');
  const engine = createDockerEngine({
    host: `unix://${host.socket}`,
    clock: systemClock,
    logger: silentLogger,
    ...(apiVersion === undefined ? {} : { apiVersion }),
  });
  const watch = watched ? engine.watch(() => undefined) : undefined;
  const docker = async (...args: string[]): Promise<void> => {
    await host.docker(args);
  };
  return {
    engine,
    imageName: IMAGE,
    hand: {
      runContainer: (name, labels) => {
        const flags = Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]);
        return host.docker(['run', '--detach', '--name', name, ...flags, IMAGE, 'sleep', '1000']);
      },
      connect: (container, network, aliases) =>
        docker('network', 'connect', ...aliases.flatMap((alias) => ['--alias', alias]), network, container),
      disconnect: (container, network) => docker('network', 'disconnect', network, container),
      stop: (container) => docker('stop', '--time', '0', container),
      pause: (container) => docker('pause', container),
      remove: (container) => docker('rm', '--force', container),
      env: async (container) =>
        JSON.parse(await host.docker(['inspect', '--format', '{{json .Config.Env}}', container])) as string[],
    },
    wait: (ms) => sleep(ms),
    dispose: async () => {
      watch?.stop();
      await lab.down();
    },
  };
}

const VARIANTS: Readonly<Record<string, Variant>> = {
  'Docker 20.10 on its own, read afresh': { topology: 'single', watched: false },
  'Docker 20.10 with a cluster store': { topology: 'kv', hosts: 1 },
  'Docker 20.10 with a cluster store, API 1.22': { topology: 'kv', hosts: 1, apiVersion: '1.22' },
  'Docker 20.10 in Swarm mode': { topology: 'swarm', hosts: 1 },
  'Docker 26.1 on its own': { topology: 'single', engine: 'newer' },
  'Docker 26.1 in Swarm mode': { topology: 'swarm', hosts: 1, engine: 'newer' },
};

for (const [name, variant] of Object.entries(VARIANTS)) {
  // Docker 20.10 forgets a thread in the name space of each overlay that a host leaves; what that thread later asks of the
  // cluster store fails (network is unreachable), now and then and through no fault of the caller.
  const retry = variant.topology === 'kv' ? 2 : 0;
  describeEngineContract(name, () => dockerSubject({ name: LAB, ...variant }), { retry });
}
