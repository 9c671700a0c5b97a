import { readFile } from 'node:fs/promises';
import { errorMessage, OvrError, type Clock, type Logger } from '../api/index.ts';
import type { DockerTls, EngineConfig } from '../config/index.ts';
import { createDockerEngine } from '../docker/index.ts';
import type { Engine } from '../reconcile/index.ts';
import { SimulatedWorld } from '../reconcile/simulated/index.ts';

/** The engine that the configuration names. Nothing is asked of it yet. */
export async function createEngine(
  config: EngineConfig,
  deps: { clock: Clock; logger: Logger },
): Promise<Engine> {
  const { docker, engine, nodeName, nodeLabels } = config;
  if (engine === 'memory') return simulatedEngine(config, deps.clock);
  return createDockerEngine({
    ...deps,
    host: docker.host,
    ...(docker.apiVersion === undefined ? {} : { apiVersion: docker.apiVersion }),
    ...(docker.tls ? { tls: await readTls(docker.tls) } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    nodeLabels,
  });
}

/** One Swarm manager in memory that has every image: manifests can be tried out without Docker. */
function simulatedEngine(config: EngineConfig, clock: Clock): Engine {
  const name = config.nodeName ?? 'memory';
  const world = new SimulatedWorld({
    clock,
    topology: 'swarm',
    hosts: [{ name, labels: config.nodeLabels }],
  });
  return world.host().engine;
}

async function readTls(
  tls: DockerTls,
): Promise<{ ca?: string; cert?: string; key?: string; verify: boolean }> {
  const read = async (file: string | undefined): Promise<string | undefined> => {
    try {
      return file === undefined ? undefined : await readFile(file, 'utf8');
    } catch (error) {
      throw new OvrError(
        'engine-unreachable',
        'transient',
        `cannot read the TLS file: ${errorMessage(error)}`,
      );
    }
  };
  const [ca, cert, key] = await Promise.all([read(tls.caFile), read(tls.certFile), read(tls.keyFile)]);
  return {
    verify: tls.verify,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}
