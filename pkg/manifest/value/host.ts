import ipaddr from 'ipaddr.js';
import type { DeviceMapping } from '../objects.ts';
import { isIpv4 } from './address.ts';
import { parseHostname } from './name.ts';
import { parsePath } from './path.ts';
import { quote } from './quote.ts';
import { accept, reject, type Parsed } from './result.ts';

/** `/dev/host[:/dev/container[:rwm]]`. */
export function parseDevice(text: string): Parsed<DeviceMapping> {
  const [host = '', container = host, permissions = 'rwm', ...rest] = text.split(':');
  const form = 'write "/dev/HOST:/dev/CONTAINER:rwm"';
  if (rest.length > 0) return reject(`${quote(text)} is no device; ${form}`);
  if (!/^[rwm]{1,3}$/.test(permissions) || new Set(permissions).size !== permissions.length) {
    return reject(`${quote(text)}: the permissions are of r, w and m, each once; ${form}`);
  }
  const hostPath = parsePath(host);
  const containerPath = parsePath(container);
  if (!hostPath.ok) return reject(`${hostPath.message}; ${form}`);
  if (!containerPath.ok) return reject(`${containerPath.message}; ${form}`);
  return accept({ hostPath: hostPath.value, containerPath: containerPath.value, permissions });
}

/** `/path` or `/path:options`, as written but for the path's form. */
export function parseTmpfs(text: string): Parsed<string> {
  const colon = text.indexOf(':');
  const path = parsePath(colon < 0 ? text : text.slice(0, colon));
  if (!path.ok) return path;
  if (path.value === '/') return reject("a container's / cannot be replaced; mount below it");
  const options = colon < 0 ? '' : text.slice(colon + 1);
  if (colon >= 0 && !/^[a-z0-9_=,%-]+$/i.test(options)) {
    return reject(`${quote(options)} are no options; write for example "/tmp:size=64m,mode=1777"`);
  }
  return accept(options === '' ? path.value : `${path.value}:${options}`);
}

/** An address of either family: name servers and hosts may be anywhere. */
export function parseIp(text: string): Parsed<string> {
  const isIp = text.includes(':') ? ipaddr.IPv6.isValid(text) : isIpv4(text);
  return isIp ? accept(text) : reject(`${quote(text)} is no IP address; write for example 10.0.0.53`);
}

/** `name:address`, or `name:host-gateway` for the host itself. */
export function parseExtraHost(text: string): Parsed<string> {
  const colon = text.indexOf(':');
  const form = 'write "NAME:ADDRESS", for example "db:10.0.0.7"';
  if (colon < 0) return reject(`${quote(text)} has no address; ${form}`);
  const name = parseHostname(text.slice(0, colon));
  if (!name.ok) return reject(`${name.message}; ${form}`);
  const address = text.slice(colon + 1);
  if (address === 'host-gateway') return accept(text);
  const ip = parseIp(address);
  return ip.ok ? accept(text) : reject(`${ip.message}; ${form}`);
}

/** As the API takes it: it wants a seccomp profile's content where the docker CLI takes a path. */
export function parseSecurityOpt(text: string): Parsed<string> {
  const seccomp = /^seccomp[=:](.*)$/s.exec(text)?.[1];
  if (text === '') return reject('an option is missing; write for example no-new-privileges:true');
  if (seccomp !== undefined && !/^(unconfined|builtin|\s*\{)/.test(seccomp)) {
    return reject(
      `${quote(text)}: the engine takes no path here; write unconfined, builtin or the profile's JSON`,
    );
  }
  return accept(text);
}
