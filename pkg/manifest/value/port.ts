import type { PortMapping } from '../objects.ts';
import { isIpv4 } from './address.ts';
import { quote } from './quote.ts';
import { accept, reject, type Parsed } from './result.ts';

type Protocol = PortMapping['protocol'];
interface Range {
  readonly first: number;
  readonly last: number;
}

interface Parts {
  readonly container: string;
  readonly host: string | undefined;
  readonly hostIp: string | undefined;
  readonly protocol: Protocol;
}

const PROTOCOLS: readonly string[] = ['tcp', 'udp', 'sctp'] satisfies Protocol[];
const MAX_PORT = 65_535;
/** Ports of one container: each costs the engine a proxy process. */
const MAX_PORTS = 1024;
const FORM = 'write "HOST:CONTAINER", for example "8001:22", "127.0.0.1:80:80/tcp" or "53:53/udp"';

/** What one text publishes: ranges stay ranges until it is known how many ports they are together. */
export interface PortRange {
  readonly hostIp?: string;
  /** First port of the host's range. */
  readonly hostPort?: number;
  readonly containerPort: number;
  readonly protocol: Protocol;
  readonly count: number;
}

/** `[[address:]host port:]container port[/protocol]` as `docker run --publish` takes it; ports may be ranges. */
export function parsePort(text: string): Parsed<PortRange> {
  const parts = split(text);
  if (typeof parts === 'string') return reject(`${quote(text)}: ${parts}`);
  const container = parseRange(parts.container);
  if (!container.ok) return reject(`${quote(text)}: ${container.message}`);
  const { hostIp, protocol } = parts;
  const count = container.value.last - container.value.first + 1;
  const range: PortRange = {
    ...(hostIp === undefined ? {} : { hostIp }),
    containerPort: container.value.first,
    protocol,
    count,
  };
  if (parts.host === undefined) return accept(range);
  const host = parseRange(parts.host);
  if (!host.ok) return reject(`${quote(text)}: ${host.message}`);
  const hostCount = host.value.last - host.value.first + 1;
  if (hostCount !== count) return reject(`${quote(text)}: both ranges need the same number of ports`);
  return accept({ ...range, hostPort: host.value.first });
}

/** One mapping a port. */
export function expandPorts(ranges: readonly PortRange[]): Parsed<PortMapping[]> {
  const total = ranges.reduce((sum, { count }) => sum + count, 0);
  if (total > MAX_PORTS) return reject(`these are ${total} ports; the most is ${MAX_PORTS} a container`);
  return accept(
    ranges.flatMap(({ count, ...range }) =>
      Array.from({ length: count }, (_, index) => shifted(range, index)),
    ),
  );
}

function shifted(range: Omit<PortRange, 'count'>, by: number): PortMapping {
  const moved = { ...range, containerPort: range.containerPort + by };
  return range.hostPort === undefined ? moved : { ...moved, hostPort: range.hostPort + by };
}

/** The parts of a port text, or what is wrong with its form. `127.0.0.1::80` lets the engine pick the host port. */
function split(text: string): Parts | string {
  if (text.includes('[')) return 'IPv6 host addresses are not supported; leave the address out';
  const [ports = '', protocol = 'tcp', ...more] = text.split('/');
  const lower = protocol.toLowerCase();
  if (!isProtocol(lower) || more.length > 0) return 'the protocol is tcp, udp or sctp';
  const parts = ports.split(':').reverse();
  if (parts.length > 3) return `too many parts; ${FORM}`;
  const [container = '', host, hostIp] = parts;
  if (hostIp === undefined) {
    return host === '' ? `the host port is missing; ${FORM}` : { container, host, hostIp, protocol: lower };
  }
  if (!isIpv4(hostIp)) return `${quote(hostIp)} is no IPv4 address`;
  return { container, host: host === '' ? undefined : host, hostIp, protocol: lower };
}

function parseRange(text: string): Parsed<Range> {
  const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(text);
  if (!match) return reject(`${quote(text)} is no port number; ${FORM}`);
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  const wrong = [first, last].find((port) => port < 1 || port > MAX_PORT);
  if (wrong !== undefined) return reject(`port ${wrong} is not between 1 and ${MAX_PORT}`);
  return last < first ? reject(`the range ${text} runs backwards`) : accept({ first, last });
}

function isProtocol(text: string): text is Protocol {
  return PROTOCOLS.includes(text);
}
