import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** USER_HZ: the kernel counts in these whatever its own clock is. */
const TICKS_PER_SECOND = 100;
const BYTES_PER_MB = 1_000_000;

export interface ProcessUse {
  /** Of one core. */
  readonly cpuPercent: number;
  readonly rssMb: number;
  /** Of that, what is the process's own: the rest is the Node program, which processes share. */
  readonly ownMb: number;
  readonly peakRssMb: number;
}

/** What a process, with all its threads, uses over this long. */
export async function watchProcess(pid: number, durationMs: number): Promise<ProcessUse> {
  const before = cpuMs(pid);
  const beganMs = performance.now();
  await sleep(durationMs);
  const used = cpuMs(pid) - before;
  return { cpuPercent: (used / (performance.now() - beganMs)) * 100, ...memory(pid) };
}

function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user = NaN, system = NaN] = fields.slice(11, 13).map(Number);
  return ((user + system) / TICKS_PER_SECOND) * 1_000;
}

function memory(pid: number): Omit<ProcessUse, 'cpuPercent'> {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const megabytes = (field: string): number => {
    const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
    return (Number(kibibytes) * 1024) / BYTES_PER_MB;
  };
  return { rssMb: megabytes('VmRSS'), ownMb: megabytes('RssAnon'), peakRssMb: megabytes('VmHWM') };
}
