import { errnoOf, type SettingsReader, type Surroundings } from './resolve.ts';
import type { DockerAddress, DockerTls } from './settings.ts';

/** How to reach the daemon, with TLS under the docker CLI's rules: only for tcp, and only when a variable asks for it. */
export async function dockerAddress(
  settings: SettingsReader,
  surroundings: Surroundings,
): Promise<DockerAddress> {
  const host = settings.value('dockerHost');
  const apiVersion = settings.value('dockerApiVersion');
  const { env } = surroundings;
  const wantsTls = isSet(env['DOCKER_TLS_VERIFY']) || isSet(env['DOCKER_TLS']);
  const tls =
    wantsTls && host.startsWith('tcp://') ? await readTls(surroundings, settings.problems) : undefined;
  return { host, ...(apiVersion !== undefined && { apiVersion }), ...(tls && { tls }) };
}

/** The docker CLI takes any text but the empty one for yes, also `0`. */
function isSet(text: string | undefined): boolean {
  return text !== undefined && text !== '';
}

async function readTls({ env, readFile }: Surroundings, problems: string[]): Promise<DockerTls> {
  const folder = env['DOCKER_CERT_PATH'] || `${env['HOME'] ?? '/root'}/.docker`;
  const find = async (name: string): Promise<string | undefined> => {
    const path = `${folder}/${name}`;
    try {
      await readFile(path);
      return path;
    } catch (error) {
      const code = errnoOf(error);
      if (code !== 'ENOENT') problems.push(`DOCKER_CERT_PATH: ${path} cannot be read (${code})`);
      return undefined;
    }
  };
  const [caFile, certFile, keyFile] = [await find('ca.pem'), await find('cert.pem'), await find('key.pem')];
  const half = (certFile === undefined) !== (keyFile === undefined);
  if (half) problems.push(`DOCKER_CERT_PATH: ${folder} must hold both cert.pem and key.pem, or neither`);
  return {
    verify: isSet(env['DOCKER_TLS_VERIFY']),
    ...(caFile !== undefined && { caFile }),
    ...(certFile !== undefined && { certFile }),
    ...(keyFile !== undefined && { keyFile }),
  };
}
