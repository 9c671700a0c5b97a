/** Shows labs to people and programs. */
import { Lab } from './lab.ts';
import { ownership, readState } from './state.ts';

interface HostReport {
  name: string;
  ip: string;
  dockerHost: string;
  socket: string;
  netns: string;
  daemon: 'up' | 'not answering' | 'down';
  pid: number | null;
  version: string | null;
  log: string;
}

interface LabReport {
  name: string;
  /** `broken`: a crash left it half-made; `abandoned`: the process it belonged to is gone. */
  phase: 'ready' | 'starting' | 'broken' | 'abandoned';
  topology: string | null;
  engine: string | null;
  subnet: string | null;
  hosts: HostReport[];
}

async function describeHost(host: Lab['hosts'][number]): Promise<HostReport> {
  const { name, ip, dockerHost, socket, netns, log } = host;
  const version = (await host.version()) ?? null;
  const pid = host.daemonPid() ?? null;
  const daemon = version !== null ? 'up' : pid === null ? 'down' : 'not answering';
  return { name, ip, dockerHost, socket, netns, daemon, pid, version, log };
}

export async function describeLab(name: string): Promise<LabReport> {
  const state = await readState(name);
  if (state === undefined) {
    return { name, phase: 'broken', topology: null, engine: null, subnet: null, hosts: [] };
  }
  const { topology, engine, subnet, hosts } = new Lab(state);
  const abandoned = ownership(state) === 'dead';
  const reports = await Promise.all(hosts.map(describeHost));
  return { name, phase: abandoned ? 'abandoned' : state.phase, topology, engine, subnet, hosts: reports };
}

export function printLab(lab: LabReport): void {
  if (lab.topology === null) {
    console.log(
      `lab "${lab.name}": broken; "npm run lab -- down --name ${lab.name}" removes what is left of it`,
    );
    return;
  }
  console.log(
    `lab "${lab.name}": ${lab.phase}, topology ${lab.topology}, engine ${lab.engine ?? ''}, ${lab.subnet ?? ''}`,
  );
  const rows = [['HOST', 'ADDRESS', 'SOCKET', 'DAEMON', 'VERSION']];
  for (const host of lab.hosts) {
    rows.push([host.name, host.dockerHost, `unix://${host.socket}`, host.daemon, host.version ?? '-']);
  }
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows)
    console.log(
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    );
}
