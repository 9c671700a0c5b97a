import { isIP } from 'node:net';
import { posix } from 'node:path';
import { OvrError } from '../../api/index.ts';

/** How git reaches a remote. Nothing else is allowed, also where the remote itself would lead there. */
export type Transport = 'https' | 'http' | 'ssh' | 'file';

export interface Remote {
  /** As git gets it. */
  readonly url: string;
  readonly transport: Transport;
  /** User name in the URL, if any. */
  readonly user?: string;
  /** Reached without leaving this host. */
  readonly isLocal: boolean;
}

/** Which commit is wanted. */
export type Ref =
  | { readonly type: 'head' }
  /** A whole hash: it never moves. */
  | { readonly type: 'commit'; readonly commit: string }
  /** Full names in the order in which they count. */
  | { readonly type: 'name'; readonly text: string; readonly candidates: readonly string[] };

const SCP_FORM = /^(?:([\w.+-]+)@)?([\w][\w.-]*):(?!\/\/)([^:].*)$/;
const HOST = /^[a-z\d](?:[\w.-]*[a-z\d])?$/i;
const USER = /^[\w.+~-]+(?:@[\w.-]+)?$/;
const TRANSPORTS: ReadonlySet<string> = new Set(['https', 'http', 'ssh', 'file'] satisfies Transport[]);

/** Reads a URL. Fails with `invalid-request` where it is none, has a password in it, or could be taken for an option. */
export function parseRemote(url: string): Remote {
  checkText(url);
  const scp = url.includes('://') ? null : SCP_FORM.exec(url);
  if (scp) return fromScp(url, scp);
  const parsed = parseUrl(url);
  const transport = parsed.protocol.slice(0, -1);
  if (!isTransport(transport)) {
    throw refuse(`the Git URL begins with "${parsed.protocol}"; use https, ssh, http or file`);
  }
  checkPlace(parsed, transport);
  const user = userOf(parsed);
  return { url, transport, isLocal: isLocal(parsed.hostname, transport), ...(user === '' ? {} : { user }) };
}

function checkText(url: string): void {
  if (hasOddCharacters(url) || url.includes(' ')) {
    throw refuse('the Git URL has spaces or control characters in it');
  }
  if (url.startsWith('-')) throw refuse('the Git URL begins with "-"');
}

function userOf({ username, password }: URL): string {
  if (password !== '') throw refuse('the Git URL has a password in it; put it into a token file instead');
  if (username !== '' && !USER.test(username))
    throw refuse('the user name in the Git URL has odd characters in it');
  return username;
}

function fromScp(url: string, [, user, host = '', path = '']: RegExpExecArray): Remote {
  if (path.startsWith('-') || !HOST.test(host)) throw refuse('the Git URL has an odd host or path in it');
  return { url, transport: 'ssh', isLocal: false, ...(user === undefined ? {} : { user }) };
}

function parseUrl(url: string): URL {
  try {
    return new URL(url);
  } catch {
    throw refuse(
      'the Git URL is none; write https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH or file:///PATH',
    );
  }
}

function checkPlace({ hostname, pathname, search, hash }: URL, transport: Transport): void {
  if (search !== '' || hash !== '') throw refuse('the Git URL has a "?" or "#" in it');
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (transport === 'file' ? host !== '' : !HOST.test(host) && isIP(host) === 0) {
    throw refuse(
      transport === 'file' ? 'a file URL names no host: file:///PATH' : 'the Git URL has an odd host in it',
    );
  }
  if (pathname === '' || pathname === '/') throw refuse('the Git URL has no path');
}

function isLocal(hostname: string, transport: Transport): boolean {
  return transport === 'file' || /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

function isTransport(text: string): text is Transport {
  return TRANSPORTS.has(text);
}

/** Reads a ref: nothing for the remote's HEAD, a branch, a tag, a full ref name or a whole commit hash. */
export function parseRef(text: string | undefined): Ref {
  if (text === undefined || text === 'HEAD') return { type: 'head' };
  if (/^(?:[\da-f]{40}|[\da-f]{64})$/.test(text)) return { type: 'commit', commit: text };
  if (!isRefName(text))
    throw refuse(`the Git ref "${printable(text)}" is no name of a branch or tag, and no whole commit hash`);
  const candidates = text.startsWith('refs/') ? [text] : [`refs/heads/${text}`, `refs/tags/${text}`];
  return { type: 'name', text, candidates };
}

/** The rules of git-check-ref-format, and no "-" in front. */
function isRefName(text: string): boolean {
  if (text === '' || hasOddCharacters(text) || /[ ~^:?*[\\]|\.\.|@\{|\/\/|^[-/.@]$|^[-/.]|[/.]$/.test(text))
    return false;
  return !text.split('/').some((part) => part.startsWith('.') || part.endsWith('.lock'));
}

/** Reads a folder inside the repository; '' is all of it. */
export function parsePath(text: string | undefined): string {
  const path = text ?? '';
  if (hasOddCharacters(path) || path.includes('\\')) throw refuse('the Git path has odd characters in it');
  if (/^[-/:]/.test(path))
    throw refuse(`the Git path "${path}" must begin with the name of a folder in the repository`);
  const normal = posix.normalize(path === '' ? '.' : path).replace(/\/$/, '');
  if (normal.split('/').includes('..')) throw refuse(`the Git path "${path}" leads out of the repository`);
  return normal === '.' ? '' : normal;
}

function hasOddCharacters(text: string): boolean {
  return /\p{C}/u.test(text);
}

function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, '?').slice(0, 100);
}

/** The one form of all refusals here. */
export function refuse(message: string): OvrError {
  return new OvrError('invalid-request', 'invalid', message);
}
