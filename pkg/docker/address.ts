import { OvrError } from '../api/index.ts';

/** PEM texts, as the docker CLI's `ca.pem`, `cert.pem` and `key.pem`. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** False accepts any server certificate. True by default. */
  readonly verify?: boolean;
}

export type Address =
  | { readonly socketPath: string }
  | { readonly hostname: string; readonly port: number; readonly secure: boolean };

const PLAIN_PORT = 2375;
const TLS_PORT = 2376;

/**
 * Reads `unix:///path`, a bare path, or `tcp://host[:port]` (also `http`, `https`). `hasTls`: TLS options were given, which
 * makes a TCP address a secure one. Fails with `invalid-request`.
 */
export function parseAddress(host: string, hasTls: boolean): Address {
  if (host.startsWith('/')) return { socketPath: host };
  const url = URL.parse(host);
  if (url?.protocol === 'unix:') return unixAddress(host, url);
  if (url === null || !['tcp:', 'http:', 'https:'].includes(url.protocol) || url.hostname === '') {
    throw refused(host, 'use unix:///path/to/docker.sock or tcp://host:port');
  }
  const secure = hasTls || url.protocol === 'https:';
  // An http or https URL drops the port that is its scheme's default, and Docker has other defaults.
  const port = url.port === '' ? impliedPort(host, secure) : Number(url.port);
  return { hostname: url.hostname.replace(/^\[|\]$/g, ''), port, secure };
}

function unixAddress(host: string, url: URL): Address {
  if (url.hostname !== '' || url.pathname.length < 2) {
    throw refused(host, 'give the absolute path: unix:///path/to/docker.sock');
  }
  return { socketPath: decodeURIComponent(url.pathname) };
}

function impliedPort(host: string, secure: boolean): number {
  const written = /:(80|443)\/?$/.exec(host)?.[1];
  if (written !== undefined) return Number(written);
  return secure ? TLS_PORT : PLAIN_PORT;
}

function refused(host: string, mend: string): OvrError {
  return new OvrError('invalid-request', 'invalid', `Docker host "${host}" is not an address: ${mend}.`);
}
