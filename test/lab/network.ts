/**
 * The wires of a lab: one network namespace a host, joined by a bridge that has a namespace of its own (so that the
 * machine's firewall does not see the traffic), and one link from the bridge to the machine. No host has a route out.
 */
import { readdir } from 'node:fs/promises';
import { must } from './run.ts';
import { type LabState, linkName, netnsName } from './state.ts';

const switchPart = 'switch';
/** Says whose link it is, in case the lab's folder is lost. */
const linkAlias = (lab: string): string => `ovr-lab:${lab}`;

function batch(lines: string[], netns?: string): Promise<string> {
  const inside = netns === undefined ? [] : ['-n', netns];
  return must(['ip', ...inside, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

export async function createNetwork(state: LabState): Promise<void> {
  const bridge = netnsName(state.name, switchPart);
  const link = linkName(state.octet);
  await batch([
    `netns add ${bridge}`,
    ...state.hosts.map((host) => `netns add ${host.netns}`),
    `link add ${link} type veth peer name uplink netns ${bridge}`,
    `addr add 10.6.${state.octet}.1/24 dev ${link}`,
    `link set ${link} alias ${linkAlias(state.name)}`,
    `link set ${link} up`,
  ]);
  await batch(
    [
      'link set lo up',
      'link add br0 type bridge',
      'link set br0 up',
      'link set uplink master br0 up',
      ...state.hosts.flatMap((host) => [
        `link add ${host.name} type veth peer name eth0 netns ${host.netns}`,
        `link set ${host.name} master br0 up`,
      ]),
    ],
    bridge,
  );
  for (const host of state.hosts) {
    const lines = ['link set lo up', `addr add ${host.ip}/24 dev eth0`, 'link set eth0 up'];
    await batch(lines, host.netns);
  }
}

/** Pulls or plugs in the cable of a host. */
export async function setCable(lab: string, host: string, to: 'up' | 'down'): Promise<void> {
  await must(['ip', '-n', netnsName(lab, switchPart), 'link', 'set', host, to]);
}

/** The lab's network namespaces that exist, by name. */
export async function networkNamespaces(lab: string): Promise<string[]> {
  const names = await readdir('/run/netns').catch(() => []);
  return names.filter((name) => name.startsWith(netnsName(lab, '')));
}

/** The names of labs that have network namespaces. */
export async function labsWithNamespaces(): Promise<string[]> {
  const names = await readdir('/run/netns').catch(() => []);
  return names.flatMap((name) => /^ovr-([a-z0-9-]+)\./.exec(name)?.[1] ?? []);
}

export async function removeNetwork(lab: string): Promise<void> {
  const links = JSON.parse(await must(['ip', '-j', 'link', 'show'])) as {
    ifname: string;
    ifalias?: string;
  }[];
  for (const link of links.filter(({ ifalias }) => ifalias === linkAlias(lab))) {
    await must(['ip', 'link', 'del', link.ifname]);
  }
  for (const netns of await networkNamespaces(lab)) await must(['ip', 'netns', 'del', netns]);
}
