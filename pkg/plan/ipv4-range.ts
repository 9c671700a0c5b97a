import ipaddr from 'ipaddr.js';

/** First and last address of a CIDR as numbers. */
export interface Ipv4Range {
  readonly first: number;
  readonly last: number;
}

/** Reads an IPv4 CIDR; undefined for anything else (IPv6, rubbish), which then clashes with nothing. */
export function parseIpv4Range(cidr: string): Ipv4Range | undefined {
  if (!ipaddr.IPv4.isValidCIDR(cidr)) return undefined;
  const [address, bits] = ipaddr.IPv4.parseCIDR(cidr);
  const size = 2 ** (32 - bits);
  const number = numberOf(address);
  const first = Math.floor(number / size) * size;
  return { first, last: first + size - 1 };
}

/** An address as a number; undefined for anything else. */
export function parseIpv4(address: string): number | undefined {
  return ipaddr.IPv4.isValidFourPartDecimal(address) ? numberOf(ipaddr.IPv4.parse(address)) : undefined;
}

function numberOf(address: ipaddr.IPv4): number {
  return address.octets.reduce((sum, octet) => sum * 256 + octet, 0);
}

export function overlaps(a: Ipv4Range, b: Ipv4Range): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** Dotted form of an address given as a number. */
export function formatIpv4(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}
