/** The network namespace that a daemon keeps for one overlay: its bridge, its VXLAN device and where that sends what. */
import type { LabHost } from './lab.ts';

/** What libnetwork has of a network's ID in the name of the namespace. */
const ID_SHOWN = 10;

/** Runs a command in it, on a host that has a container on the network. Returns what it printed; fails if it does. */
async function inOverlay(host: LabHost, networkId: string, cmd: readonly string[]): Promise<string> {
  const space = `/run/docker/netns/*-${networkId.slice(0, ID_SHOWN)}`;
  const script = `exec nsenter --net=$(echo ${space}) -- "$@"`;
  const { code, stdout, stderr } = await host.userlandExec(['sh', '-c', script, 'sh', ...cmd]);
  if (code === 0) return stdout;
  throw new Error(`on ${host.name}, in the overlay: ${cmd.join(' ')}: ${stderr.trim()}`);
}

/** Where the host sends what is meant for a container's MAC: the address of another host, if it knows one. */
export async function vtepOf(host: LabHost, networkId: string, mac: string): Promise<string | undefined> {
  const lines = (await inOverlay(host, networkId, ['bridge', 'fdb', 'show'])).split('\n');
  const line = lines.find((one) => one.startsWith(mac) && one.includes(' dst '));
  return / dst (\S+)/.exec(line ?? '')?.[1];
}

/** Makes the host send it somewhere else. */
export async function misdirect(host: LabHost, networkId: string, mac: string, to: string): Promise<void> {
  const lines = (await inOverlay(host, networkId, ['bridge', 'fdb', 'show'])).split('\n');
  const device = / dev (\S+) /.exec(
    lines.find((one) => one.startsWith(mac) && one.includes(' dst ')) ?? '',
  )?.[1];
  if (device === undefined) throw new Error(`${host.name} does not know ${mac}: ${lines.join('\n')}`);
  await inOverlay(host, networkId, [
    'bridge',
    'fdb',
    'replace',
    mac,
    'dev',
    device,
    'dst',
    to,
    'self',
    'permanent',
  ]);
}
