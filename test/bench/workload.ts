/** The same containers for everybody: a sleeping busybox, always restarted, on one overlay, all with one alias. */
export interface Workload {
  readonly network: string;
  readonly subnet: string;
  readonly alias: string;
  readonly containers: readonly string[];
}

const IMAGE = 'busybox:latest';
const COMMAND = ['sleep', '100000'];

export function workload(count: number, prefix = 'bench', third = 9): Workload {
  const containers = Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`);
  return { network: `${prefix}0`, subnet: `10.0.${third}.0/24`, alias: 'site', containers };
}

/** Manifest by file name. */
export function manifests({ network, subnet, alias, containers }: Workload): Map<string, string> {
  const files = containers.map((name): [string, string] => [
    `${name}.yaml`,
    containerManifest(name, network, [alias]),
  ]);
  return new Map([['network.yaml', networkManifest(network, subnet)], ...files]);
}

export function networkManifest(name: string, subnet: string): string {
  return `apiVersion: ovr/v1\nkind: Network\nmetadata: {name: ${name}}\nspec: {ipam: {subnet: ${subnet}}}\n`;
}

export function containerManifest(name: string, network: string, aliases: readonly string[]): string {
  return `apiVersion: ovr/v1
kind: Container
metadata: {name: ${name}}
spec:
  image: ${IMAGE}
  args: [${COMMAND.map((word) => `'${word}'`).join(', ')}]
  networks:
    - {name: ${network}, aliases: [${aliases.join(', ')}]}
`;
}

/** For POST /networks/create. */
export function networkBody({ network, subnet }: Workload): object {
  const ipam = { Driver: 'default', Config: [{ Subnet: subnet }] };
  return { Name: network, Driver: 'overlay', Attachable: true, CheckDuplicate: true, IPAM: ipam };
}

/** For POST /containers/create. */
export function containerBody(work: Workload, ipv4Address?: string): object {
  return {
    Image: IMAGE,
    Cmd: COMMAND,
    HostConfig: { NetworkMode: work.network, RestartPolicy: { Name: 'always' } },
    NetworkingConfig: { EndpointsConfig: { [work.network]: endpointBody(work, ipv4Address) } },
  };
}

export function endpointBody({ alias }: Workload, ipv4Address?: string): object {
  const address = ipv4Address === undefined ? {} : { IPAMConfig: { IPv4Address: ipv4Address } };
  return { Aliases: [alias], ...address };
}

/** For docker compose, as JSON, which is YAML too. */
export function composeFile({ network, subnet, alias, containers }: Workload): string {
  const service = (name: string): object => ({
    image: IMAGE,
    command: COMMAND,
    container_name: name,
    restart: 'always',
    networks: { [network]: { aliases: [alias] } },
  });
  return JSON.stringify({
    name: 'bench',
    services: Object.fromEntries(containers.map((name) => [name, service(name)])),
    networks: {
      [network]: { name: network, driver: 'overlay', attachable: true, ipam: { config: [{ subnet }] } },
    },
  });
}
