import { isIPv4, isIPv6 } from 'node:net';

import { parseZooKeeperAddress, type ZooKeeperAddress } from '../api/index.ts';
import { parseDuration, writeDuration } from './duration.ts';
import { mend, type Mend, type Reading } from './option.ts';

const MAX_DURATION_MS = 86_400_000;
/** A path of a socket is at most this long on Linux, without the closing zero. */
const MAX_SOCKET_PATH = 107;

/** As in a file of variables. */
const MAX_VARIABLE_BYTES = 8 * 1024;

/** A duration of at least so much, or 0 for never. */
export function durationOrNever(leastMs: number): (text: string) => number | Mend {
  const read = duration(leastMs);
  return (text) => {
    if (parseDuration(text) === 0) return 0;
    const value = read(text);
    return typeof value === 'number' ? value : mend(`${value.mend}, or 0s for never`);
  };
}

/** A duration between two bounds, both inclusive; at most a day unless told otherwise. */
export function duration(leastMs: number, mostMs = MAX_DURATION_MS): (text: string) => number | Mend {
  return (text) => {
    const ms = parseDuration(text);
    if (ms === undefined) return mend('write a number with a unit, for example 500ms, 30s or 5m');
    if (ms >= leastMs && ms <= mostMs) return ms;
    return mend(`write a duration between ${writeDuration(leastMs)} and ${writeDuration(mostMs)}`);
  };
}

/** A whole number between two bounds, both inclusive. */
export function wholeNumber(least: number, most: number): (text: string) => number | Mend {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    return value >= least && value <= most ? value : mend(`write a whole number from ${least} to ${most}`);
  };
}

/** One of a closed set of words. */
export function oneOf<W extends string>(words: readonly W[]): (text: string) => W | Mend {
  return (text) => words.find((word) => word === text) ?? mend(`write ${orList(words)}`);
}

function orList(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`;
}

/** A switch, spelled out. */
export function yesOrNo(text: string): boolean | Mend {
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : mend('write true or false');
}

/** A path of a file or folder. */
export function path(text: string): string | Mend {
  if (text === '' || text.includes('\0')) return mend('write a path');
  return text;
}

/** Any text; whoever uses it says more about what it may be. */
export function someText(text: string): string | Mend {
  return text === '' ? mend('write something, or leave it out') : text;
}

/** URL of a Git repository; the source itself looks closer at it. */
export function gitUrl(text: string): string | Mend {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && url.password !== '') {
    return mend('leave the password out and put it into a file, see --git-token-file');
  }
  if (/^(https?|ssh|file):\/\/|^[^:/]+:(?!\/\/)[^:]/.test(text)) return text;
  return mend(
    text.startsWith('/')
      ? `write file://${text}`
      : 'write https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH or file:///PATH',
  );
}

/** The path of a unix socket. */
export function socketPath(text: string): string | Mend {
  if (text === '' || text.includes('\0')) return mend('write a path, for example /run/ovr/ovrd.sock');
  if (Buffer.byteLength(text) > MAX_SOCKET_PATH) {
    return mend(`write a path of at most ${MAX_SOCKET_PATH} bytes: Linux allows no longer one for a socket`);
  }
  return text;
}

/** Name of a cluster: goes into Docker labels. */
export function clusterName(text: string): string | Mend {
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) return text;
  return mend('use up to 63 of a-z, 0-9 and -, with a letter or digit first and last');
}

/** Name of a node, as a daemon may have it. */
export function nodeName(text: string): string | Mend {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,252}$/.test(text)) return text;
  return mend('use letters, digits, "_", "." and "-", with a letter or digit first');
}

/** `key=value`; the value may be empty. */
export function keyValue(text: string): readonly [string, string] | Mend {
  const equals = text.indexOf('=');
  const key = text.slice(0, equals);
  if (equals > 0 && /^[a-zA-Z0-9][a-zA-Z0-9_./-]*$/.test(key)) return [key, text.slice(equals + 1)];
  return mend('write key=value, for example zone=a');
}

/** `NAME=VALUE` lines for manifests. An error names the variable and never shows a value. */
export function variables(
  texts: readonly string[],
): Reading<readonly (readonly [name: string, value: string])[]> {
  const read = new Map<string, string>();
  for (const text of texts) {
    const [, name, value] = /^([^=]*)=([^]*)$/.exec(text) ?? [];
    const problem = variableProblem(name, value, read);
    if (problem !== undefined)
      return { ok: false, bad: name === undefined ? '…' : `${name}=…`, mend: problem };
    read.set(name ?? '', value ?? '');
  }
  return { ok: true, value: [...read] };
}

function variableProblem(
  name: string | undefined,
  value: string | undefined,
  known: ReadonlyMap<string, string>,
): string | undefined {
  if (name === undefined || value === undefined || !/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) {
    return 'write NAME=VALUE, with a name of letters, digits and _ that does not begin with a digit; a value with a comma goes into a --var-file rather than into OVR_VAR';
  }
  if (known.has(name)) return 'it is there twice: keep one of them';
  if (Buffer.byteLength(value) > MAX_VARIABLE_BYTES) return 'write a value of at most 8 KiB';
  return /[\u0000-\u0008\u000b-\u001f\u007f]/.test(value)
    ? 'write a value without control characters'
    : undefined;
}

/** Address of a Docker daemon, as the docker CLI writes it. */
export function dockerHost(text: string): string | Mend {
  if (/^unix:\/\/\/[^\0]+$/.test(text)) return text;
  if (text.startsWith('/')) return mend(`write unix://${text}`);
  if (/^tcp:\/\//.test(text)) return tcpHost(text);
  if (/^https?:\/\//.test(text)) return mend(`write ${text.replace(/^https?/, 'tcp')}`);
  if (text.startsWith('ssh://')) {
    return mend(
      'ssh is not supported: forward the socket (ssh -L /run/docker-remote.sock:/var/run/docker.sock HOST)',
    );
  }
  return mend('write unix:///path/to/docker.sock or tcp://host:port');
}

function tcpHost(text: string): string | Mend {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const bare = url && url.username === '' && url.search === '' && url.hash === '';
  if (!bare || url.hostname === '' || !/^\/?$/.test(url.pathname)) {
    return mend('write tcp://host:port, without a path');
  }
  return text;
}

/** An API version that the engine adapter speaks. */
export function apiVersion(text: string): string | Mend {
  const minor = /^1\.(\d{1,3})$/.exec(text)?.[1];
  if (minor !== undefined && Number(minor) >= 22) return text;
  return mend('write a version from 1.22 up, for example 1.41');
}

/** What agents share. */
export function coordinator(text: string): 'local' | ZooKeeperAddress | Mend {
  if (text === 'local') return text;
  return text.startsWith('zk://') ? zooKeeper(text) : mend('write local or zk://host:2181,host:2181/path');
}

/** A folder in a ZooKeeper. */
export function zooKeeper(text: string): ZooKeeperAddress | Mend {
  const address = parseZooKeeperAddress(text);
  return typeof address === 'string' ? mend(address) : address;
}

/** Where other machines reach this host's daemon. */
export function hostAndPort(text: string): string | Mend {
  const [, host = '', digits] = /^([^:]+):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  return isHost(host) && port >= 1 && port <= 65_535
    ? text
    : mend('write the address at which other machines reach this daemon, for example 10.6.17.13:2375');
}

/** Where the HTTP server listens. */
export interface ListenAddress {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/** `host:port`, or undefined for `none`. */
export function listenAddress(text: string): ListenAddress | undefined | Mend {
  if (text === 'none') return undefined;
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const [, ipv6, plain, digits] = match ?? [];
  const host = ipv6 ?? plain;
  const port = Number(digits);
  const good = host !== undefined && port <= 65_535 && (ipv6 === undefined ? isHost(host) : isIPv6(ipv6));
  if (good) return { host, port };
  if (/^:\d+$/.test(text)) return mend(`write 0.0.0.0${text} to listen on all addresses`);
  return mend('write host:port, for example 127.0.0.1:9469, or none');
}

function isHost(text: string): boolean {
  if (/^[\d.]+$/.test(text)) return isIPv4(text);
  return /^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?$/.test(text);
}

/** An IPv4 network that /24 networks are cut from. */
export function subnetPool(text: string): string | Mend {
  const [address = '', prefixText = '', ...rest] = text.split('/');
  const prefix = /^\d{1,2}$/.test(prefixText) ? Number(prefixText) : Number.NaN;
  if (rest.length > 0 || !isIPv4(address) || !(prefix >= 8 && prefix <= 24)) {
    return mend('write an IPv4 network with a prefix from /8 to /24, for example 10.64.0.0/10');
  }
  const network = networkAddress(address, prefix);
  return network === address
    ? text
    : mend(`write ${network}/${prefix}: ${address} has bits beyond /${prefix}`);
}

function networkAddress(address: string, prefix: number): string {
  const size = 2 ** (32 - prefix);
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const base = number - (number % size);
  return [2 ** 24, 2 ** 16, 2 ** 8, 1].map((unit) => Math.floor(base / unit) % 256).join('.');
}

/** Base address of another node's API. */
export function serverUrl(text: string): string | Mend {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' && url.pathname === '/' && url.search === '') return url.origin;
  return mend('write http://host:port, for example http://10.6.17.13:9469');
}
