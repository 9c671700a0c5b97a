import type { ObservedSubnet } from '../../state/index.ts';
import { failure } from './failures.ts';

const BITS = 32;

interface Range {
  readonly first: number;
  readonly last: number;
}

function parseAddress(text: string): number {
  const parts = text.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) {
    throw failure('invalid-request', `invalid address ${text}`);
  }
  return parts.reduce((value, part) => value * 256 + part, 0);
}

function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}

function parseRange(cidr: string): Range {
  const [address = '', length = ''] = cidr.split('/');
  const prefix = Number(length);
  if (length === '' || !Number.isInteger(prefix) || prefix < 0 || prefix > BITS) {
    throw failure('invalid-request', `invalid subnet ${cidr}`);
  }
  const size = 2 ** (BITS - prefix);
  const first = Math.floor(parseAddress(address) / size) * size;
  return { first, last: first + size - 1 };
}

/** Whether two subnets share an address. */
export function overlaps(one: string, other: string): boolean {
  const [a, b] = [parseRange(one), parseRange(other)];
  return a.first <= b.last && b.first <= a.last;
}

/** The first subnet of that prefix length in `pool` that overlaps none of `taken`. */
export function freeSubnet(pool: string, prefix: number, taken: readonly string[]): string | undefined {
  const { first, last } = parseRange(pool);
  for (let base = first; base <= last; base += 2 ** (BITS - prefix)) {
    const candidate = `${formatAddress(base)}/${prefix}`;
    if (!taken.some((subnet) => overlaps(subnet, candidate))) return candidate;
  }
  return undefined;
}

/** The subnet with the gateway filled in as Docker does: the first usable address of the range, if there is one, or of all. */
export function withGateway(subnet: ObservedSubnet): ObservedSubnet {
  if (subnet.gateway !== undefined) return subnet;
  const whole = parseRange(subnet.subnet);
  const { first } = parseRange(subnet.ipRange ?? subnet.subnet);
  return { ...subnet, gateway: formatAddress(Math.max(first, whole.first + 1)) };
}

/** `lowest`: an address is used again as soon as it is free. `serial`: only after all others, as in Swarm mode. */
type Order = 'lowest' | 'serial';

/** The addresses of one network. */
export class AddressPool {
  readonly #network: string;
  readonly #subnet: Range;
  readonly #range: Range;
  readonly #order: Order;
  readonly #taken = new Set<number>();
  /** Where to look first. In order `lowest` no address below it is free. */
  #next: number;

  constructor(network: string, subnet: ObservedSubnet, order: Order = 'lowest') {
    this.#network = network;
    this.#order = order;
    this.#subnet = parseRange(subnet.subnet);
    this.#range = parseRange(subnet.ipRange ?? subnet.subnet);
    this.#taken.add(this.#subnet.first).add(this.#subnet.last);
    if (subnet.gateway !== undefined) this.#taken.add(parseAddress(subnet.gateway));
    this.#next = this.#range.first;
  }

  /** Takes the next free address; fails with `address-exhausted`. */
  allocate(): string {
    const { first, last } = this.#range;
    const free = this.#firstFree(this.#next, last) ?? this.#firstFree(first, this.#next - 1);
    if (free === undefined) {
      throw failure('address-exhausted', `no available address in network ${this.#network}`);
    }
    this.#taken.add(free);
    this.#next = free + 1;
    return formatAddress(free);
  }

  /** Takes the next free address for nobody, if there is one. */
  setAside(): void {
    const free = this.#firstFree(this.#next, this.#range.last);
    if (free !== undefined) this.#taken.add(free);
  }

  #firstFree(from: number, to: number): number | undefined {
    for (let value = from; value <= to; value += 1) if (!this.#taken.has(value)) return value;
    return undefined;
  }

  /** Takes this address, which may lie outside the range but not outside the subnet; fails with `address-in-use`. */
  claim(address: string): void {
    const value = parseAddress(address);
    if (value < this.#subnet.first || value > this.#subnet.last) {
      throw failure('invalid-request', `address ${address} is not in the subnet of network ${this.#network}`);
    }
    if (this.#taken.has(value)) {
      throw failure('address-in-use', `address ${address} is already in use in network ${this.#network}`);
    }
    this.#taken.add(value);
  }

  release(address: string): void {
    const value = parseAddress(address);
    this.#taken.delete(value);
    const isBefore = value >= this.#range.first && value < this.#next;
    if (this.#order === 'lowest' && isBefore) this.#next = value;
  }

  /** The taken addresses, lowest first. */
  toJSON(): string[] {
    return [...this.#taken].sort((a, b) => a - b).map(formatAddress);
  }
}
