import { compareStrings } from '../api/index.ts';
import type { PortMapping } from '../manifest/index.ts';

/** A port of the host that a container asks for. */
export interface HostPort {
  /** `8001`, `53/udp`; without the address. */
  readonly text: string;
  /** `''` stands for all addresses of the host. One entry: what a node that has nothing on this port yet keeps of it. */
  readonly addresses: readonly [string];
}

/** Addresses in use by port. */
export type TakenPorts = Map<string, readonly string[]>;

const ANY_ADDRESS = '';

/** The host ports among the mappings, in one order whatever theirs. Ports that the engine picks ask for nothing. */
export function hostPortsOf(mappings: readonly PortMapping[]): readonly HostPort[] {
  return mappings
    .filter(({ hostPort }) => hostPort !== undefined)
    .map((mapping): HostPort => ({ text: portText(mapping), addresses: [addressOf(mapping)] }))
    .sort((a, b) => compareStrings(hostPortKey(a), hostPortKey(b)));
}

/** Equal exactly when the host ports are. */
export function portsKey(mappings: readonly PortMapping[]): string {
  const [first] = mappings;
  if (!first) return '';
  if (mappings.length > 1) return hostPortsOf(mappings).map(hostPortKey).join();
  return first.hostPort === undefined ? '' : `${addressOf(first)}:${portText(first)}`;
}

function hostPortKey({ text, addresses: [address] }: HostPort): string {
  return `${address}:${text}`;
}

function portText({ hostPort = 0, protocol }: PortMapping): string {
  return protocol === 'tcp' ? `${hostPort}` : `${hostPort}/${protocol}`;
}

function addressOf({ hostIp }: PortMapping): string {
  return hostIp === undefined || hostIp === '0.0.0.0' ? ANY_ADDRESS : hostIp;
}

/** The first of the ports that cannot be had. */
export function clashingPort(taken: TakenPorts, ports: readonly HostPort[]): HostPort | undefined {
  if (taken.size === 0) return undefined;
  return ports.find(({ text, addresses: [address] }) => {
    const inUse = taken.get(text);
    return inUse?.some((other) => other === address || other === ANY_ADDRESS || address === ANY_ADDRESS);
  });
}

/** Notes that the ports are in use from now on. */
export function takePorts(taken: TakenPorts, ports: readonly HostPort[]): void {
  for (const { text, addresses } of ports) {
    const inUse = taken.get(text);
    taken.set(text, inUse ? [...inUse, ...addresses] : addresses);
  }
}
