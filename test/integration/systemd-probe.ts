/** Runs in ovrd's place under its unit, and prints what the unit lets a process do. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';

function can(step: () => unknown): boolean {
  try {
    step();
    return true;
  } catch {
    return false;
  }
}

/** The names of processes whose open files cannot be seen. */
function unseen(): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && existsSync(`/proc/${entry}`))
    .filter((pid) => !can(() => readdirSync(`/proc/${pid}/fd`)))
    .map((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
}

function runs(...[command = '', ...args]: string[]): boolean {
  return can(() => execFileSync(command, args, { stdio: 'ignore' }));
}

function reach(host: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: 1 });
    socket.once('error', (error) => resolve('code' in error ? String(error.code) : error.message));
    socket.setTimeout(500, () => resolve('dropped'));
  });
}

const folders = [
  '/usr',
  '/etc',
  '/etc/ovr.d',
  '/opt',
  '/run',
  '/var/lib',
  '/var/lib/ovr',
  '/run/ovr',
  '/dev',
];
const status = readFileSync('/proc/self/status', 'utf8');
const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? '';

const answer = {
  uid: process.getuid?.(),
  capabilities: field('CapEff'),
  noNewPrivileges: field('NoNewPrivs') === '1',
  systemCallsFiltered: field('Seccomp') === '2',
  writable: folders.filter((folder) => can(() => writeFileSync(`${folder}/probe`, ''))),
  homes: can(() => readFileSync('/root/private')),
  kernelLog: existsSync('/dev/kmsg'),
  routes: can(() => readFileSync('/proc/net/route')),
  pid1: existsSync('/proc/1'),
  unseen: unseen(),
  pingsInside: runs('nsenter', '--net=/proc/1/ns/net', '--', 'ping', '-c', '1', '-W', '2', '127.0.0.1'),
  entersMounts: runs('nsenter', '--mount=/proc/1/ns/mnt', '--', 'true'),
  loopback: await reach('127.0.0.1'),
  elsewhere: await reach('10.99.0.2'),
};
console.log(JSON.stringify(answer));
setInterval(() => undefined, 60_000);
