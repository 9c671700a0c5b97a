/** Where a ZooKeeper tree is: `zk://h1:2181,h2:2181/ovr/default`. */
export interface ZooKeeperAddress {
  /** In the order they were written; IPv6 addresses without brackets. */
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  /** Absolute, with no slash at the end; never just `/`. */
  readonly root: string;
}

const SCHEME = 'zk://';
const DEFAULT_PORT = 2181;
const EXAMPLE = 'zk://zk1:2181,zk2:2181/ovr/default';

/** Reads an address; where it is none, the sentence that says what is wrong with it and what to write instead. */
export function parseZooKeeperAddress(text: string): ZooKeeperAddress | string {
  const mistake = wholeMistake(text);
  if (mistake !== undefined) return mistake;
  const rest = text.slice(SCHEME.length);
  const slash = rest.indexOf('/');
  if (slash === -1) return `no path: put the folder of this cluster at the end, as in ${EXAMPLE}`;
  const root = rest.slice(slash);
  const wrongRoot = rootMistake(root);
  if (wrongRoot !== undefined) return wrongRoot;
  const servers = [];
  for (const part of rest.slice(0, slash).split(',')) {
    const server = parseServer(part);
    if (typeof server === 'string') return server;
    servers.push(server);
  }
  return { servers, root };
}

function wholeMistake(text: string): string | undefined {
  if (!text.startsWith(SCHEME)) return `no ZooKeeper address: write it as ${EXAMPLE}`;
  if (/\s/u.test(text)) return `a space in the address: write it as ${EXAMPLE}`;
  // An address is seen in process lists, logs and status pages.
  if (text.includes('@'))
    return 'credentials in the address: put user:password in a file of their own instead';
  return undefined;
}

function rootMistake(root: string): string | undefined {
  if (root === '/') return `no path after the slash: name the folder of this cluster, as in ${EXAMPLE}`;
  if (root.endsWith('/')) return `a slash at the end: write ${root.replace(/\/+$/, '')}`;
  const names = root.slice(1).split('/');
  if (names.includes('')) return `two slashes in a row: write ${root.replaceAll(/\/+/g, '/')}`;
  if (names.includes('.') || names.includes('..')) return 'no . or .. in the path: write it in full';
  if (names[0] === 'zookeeper') return `/zookeeper is ZooKeeper's own: choose another path, as in ${EXAMPLE}`;
  // ZooKeeper refuses these, but only at the first write; surrogate halves are among them.
  if (/[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/.test(root))
    return 'no control characters in the path: use letters, digits, dots and dashes';
  return undefined;
}

function parseServer(part: string): { host: string; port: number } | string {
  if (part === '') return `a server without a name: write one host:port between commas, as in ${EXAMPLE}`;
  const match = /^(?:\[(?<ipv6>[0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|(?<name>[\w.-]+))(?::(?<port>\d*))?$/.exec(
    part,
  );
  if (match === null) return serverMistake(part);
  const { ipv6, name, port } = match.groups ?? {};
  if (port === '' || Number(port) > 65_535 || Number(port) === 0) {
    return `"${part}" has no port from 1 to 65535: write ${ipv6 === undefined ? name : `[${ipv6}]`}:${DEFAULT_PORT}`;
  }
  return { host: ipv6 ?? name ?? '', port: port === undefined ? DEFAULT_PORT : Number(port) };
}

function serverMistake(part: string): string {
  if (/^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(part)) {
    return `"${part}" is no host:port: put IPv6 addresses in brackets, as in [::1]:${DEFAULT_PORT}`;
  }
  return `"${part}" is no host:port: write a name or an address, and a port after a colon`;
}
