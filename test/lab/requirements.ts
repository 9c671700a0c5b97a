/** What the machine must be and have before a lab can work on it. */
import { readFile } from 'node:fs/promises';
import { ensureDebianPackages } from '../tools/packages.ts';
import type { EngineKind, Topology } from './state.ts';

/** Bits of the capability set: CAP_NET_ADMIN and CAP_SYS_ADMIN. */
const neededCapabilities = (1n << 12n) | (1n << 21n);

/** Why the lab cannot work here, and what would; undefined when it can. */
export async function refusal(): Promise<string | undefined> {
  if (process.platform !== 'linux') {
    return `needs Linux, for its network namespaces, and this is ${process.platform}: run it in a Linux virtual machine (Debian 12), as root`;
  }
  if (process.getuid?.() !== 0) {
    return 'needs root, to make network namespaces and start Docker daemons: run the same command with sudo';
  }
  const status = await readFile('/proc/self/status', 'utf8');
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  if ((effective & neededCapabilities) !== neededCapabilities) {
    return 'needs the capabilities SYS_ADMIN and NET_ADMIN: run it on the machine itself, or in a container started with --privileged';
  }
  return undefined;
}

/** Installs the packages that this kind of lab uses. */
export async function ensureLabPackages(topology: Topology, engine: EngineKind): Promise<void> {
  const packages = ['iproute2', 'busybox-static'];
  if (engine === 'debian') packages.push('docker.io', 'containerd', 'runc', 'iptables');
  else packages.push('debootstrap');
  if (topology === 'kv') packages.push('etcd-server');
  await ensureDebianPackages(packages);
}
