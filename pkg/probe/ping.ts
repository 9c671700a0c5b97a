import type { ErrandHost, PingFinding } from '../check/index.ts';
import type { Ran } from './tool.ts';

/** IPv4 and ICMP take these of each packet. */
const HEADER_BYTES = 28;
const SMALL_BYTES = 56;
/** Two, so that a first one that has to find the way first is no failure. */
const PACKETS = 2;
export const PING_DEADLINE_MS = 5_000;
export const PING_MAX_BYTES = 64 * 1024;

/** Two packets of exactly `mtu` bytes, headers and all, which nobody on the way may cut up. */
export function wholePing(address: string, mtu: number): string[] {
  return ['ping', '-n', '-q', '-M', 'do', '-s', String(Math.max(0, mtu - HEADER_BYTES)), ...common(address)];
}

export function smallPing(address: string): string[] {
  return ['ping', '-n', '-q', '-s', String(SMALL_BYTES), ...common(address)];
}

/** `-w` ends it also when nobody is left to kill it. */
function common(address: string): string[] {
  return ['-c', String(PACKETS), '-i', '0.2', '-W', '1', '-w', '3', '--', address];
}

/** How a ping went: the best round trip, none, or what kept it from running. */
export type Pinged =
  | { readonly type: 'reply'; readonly rttMs: number }
  | { readonly type: 'silence' }
  | { readonly type: 'problem'; readonly message: string };

/** Reads what iputils' ping said. */
export function readPing(ran: Ran): Pinged {
  const rtt = /= (\d+(?:\.\d+)?)\/\d/.exec(ran.stdout)?.[1];
  const received = /(\d+) received/.exec(ran.stdout)?.[1];
  if (received !== undefined && Number(received) > 0 && rtt !== undefined) {
    return { type: 'reply', rttMs: Number(rtt) };
  }
  if (received !== undefined || ran.end === 'late') return { type: 'silence' };
  return { type: 'problem', message: explain(ran) };
}

function explain(ran: Ran): string {
  const text = `${ran.stderr} ${ran.stdout}`;
  if (ran.end === 'flood')
    return 'ping says more than it ever should: see which ping is in the PATH of this host';
  if (/option|usage/i.test(text)) return 'the ping of this host is not that of iputils: install iputils-ping';
  if (/not permitted|cannot raise/i.test(text)) {
    return 'ping may not send here: ovrd needs CAP_NET_RAW; under systemd, deploy/systemd/probe.conf is the drop-in';
  }
  return `ping failed: ${text.trim().slice(0, 200) || `exit code ${ran.code}`}`;
}

/** What the two pings to one host come to. */
export function judgePings({ node, address }: ErrandHost, whole: Pinged, small?: Pinged): PingFinding {
  const base = { node, address };
  if (whole.type === 'reply') return { ...base, reach: 'ok', rttMs: whole.rttMs };
  if (whole.type === 'problem') return { ...base, reach: 'failed', message: whole.message };
  if (small?.type === 'reply') return { ...base, reach: 'mtu', rttMs: small.rttMs };
  return { ...base, reach: 'unreachable' };
}
