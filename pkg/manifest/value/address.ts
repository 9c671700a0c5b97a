import { quote } from './quote.ts';
import { accept, reject, type Parsed } from './result.ts';

/** An IPv4 network as the numbers of its first and last address. */
export interface Ipv4Range {
  readonly first: number;
  readonly last: number;
  readonly prefix: number;
}

const PART = '(?:0|[1-9]\\d?|1\\d\\d|2[0-4]\\d|25[0-5])';
/** Four decimal parts without leading zeros. */
export const IPV4_PATTERN = `^(?:${PART}\\.){3}${PART}$`;
const IPV4 = new RegExp(IPV4_PATTERN);
const CIDR = new RegExp(`^((?:${PART}\\.){3}${PART})/(\\d{1,2})$`);
const BITS = 32;
const DOT = 0x2e;
const ZERO = 0x30;
const MAX_PREFIX = 30;
const MIN_PREFIX = 8;
const UNUSABLE = [
  { range: rangeOf('0.0.0.0', 8), what: 'no address of any network' },
  { range: rangeOf('127.0.0.0', 8), what: 'the loopback network' },
  { range: rangeOf('224.0.0.0', 3), what: 'multicast or reserved' },
];

export function isIpv4(text: string): boolean {
  return IPV4.test(text);
}

/** One IPv4 address. */
export function parseIpv4(text: string): Parsed<string> {
  if (isIpv4(text)) return accept(text);
  const mend = text.includes('/') ? 'leave out the prefix length' : 'write for example 10.0.9.10';
  return reject(`${quote(text)} is no IPv4 address; ${mend}`);
}

/** An IPv4 network in CIDR form, as written: host bits zero, from /8 to /30, of addresses that a network can have. */
export function parseSubnet(text: string): Parsed<string> {
  const match = CIDR.exec(text);
  const prefix = Number(match?.[2]);
  if (!match || prefix > BITS)
    return reject(`${quote(text)} is no IPv4 network; write for example 10.0.9.0/24`);
  if (prefix < MIN_PREFIX || prefix > MAX_PREFIX) {
    return reject(`/${prefix} is outside /${MIN_PREFIX} to /${MAX_PREFIX}; /24 suits most networks`);
  }
  const range = rangeOf(match[1] ?? '', prefix);
  const base = formatIpv4(range.first);
  if (base !== match[1]) return reject(`${quote(text)} has host bits set; write ${base}/${prefix}`);
  const unusable = UNUSABLE.find((entry) => overlap(entry.range, range));
  return unusable
    ? reject(`${quote(text)} is ${unusable.what}; choose another, for example 10.0.9.0/24`)
    : accept(text);
}

/** The addresses of a network that `parseSubnet` accepted. */
export function subnetRange(cidr: string): Ipv4Range {
  const slash = cidr.indexOf('/');
  return rangeOf(cidr.slice(0, slash), Number(cidr.slice(slash + 1)));
}

/** The number of an address that `parseIpv4` accepted. */
export function ipv4Number(address: string): number {
  let [number, part] = [0, 0];
  for (let index = 0; index < address.length; index++) {
    const code = address.charCodeAt(index);
    if (code === DOT) [number, part] = [number * 256 + part, 0];
    else part = part * 10 + code - ZERO;
  }
  return number * 256 + part;
}

export function formatIpv4(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

export function overlap(a: Ipv4Range, b: Ipv4Range): boolean {
  return a.first <= b.last && b.first <= a.last;
}

function rangeOf(address: string, prefix: number): Ipv4Range {
  const size = 2 ** (BITS - prefix);
  const first = Math.floor(ipv4Number(address) / size) * size;
  return { first, last: first + size - 1, prefix };
}
