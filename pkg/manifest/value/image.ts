import { quote } from './quote.ts';
import { accept, reject, type Parsed } from './result.ts';

const MAX_LENGTH = 512;
const DIGEST = /@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;
const TAG = /:(\w[\w.-]{0,127})$/;
const DOMAIN = /^[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*(?::\d{1,5})?$/;
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const IMAGE_ID = /^sha256:[0-9a-f]{64}$/;

/** An image reference as `docker pull` takes it, or an image ID. */
export function parseImage(text: string): Parsed<string> {
  if (IMAGE_ID.test(text)) return accept(text);
  const example = 'write for example nginx:1.27 or registry.example.com/team/app@sha256:…';
  if (text === '' || text.length > MAX_LENGTH)
    return reject(`${quote(text)} is no image reference; ${example}`);
  const parts = text.replace(DIGEST, '').split('/');
  const last = parts.length - 1;
  parts[last] = (parts[last] ?? '').replace(TAG, '');
  const path = parts.length > 1 && isDomain(parts[0] ?? '') ? parts.slice(1) : parts;
  const wrong = path.find((part) => !COMPONENT.test(part));
  if (wrong === undefined) return accept(text);
  if (COMPONENT.test(wrong.toLowerCase())) {
    return reject(`${quote(text)}: repository names are in lower case; write ${wrong.toLowerCase()}`);
  }
  return reject(`${quote(text)} is no image reference; ${example}`);
}

/** An image reference in its parts. */
export interface ImageParts {
  /** With registry, as Docker completes it: `docker.io/library/nginx`. Absent of an image ID. */
  readonly repository?: string;
  readonly tag?: string;
  readonly hasDigest: boolean;
}

/** Takes a valid image reference apart. */
export function splitImage(text: string): ImageParts {
  if (IMAGE_ID.test(text)) return { hasDigest: true };
  const named = text.replace(DIGEST, '');
  const tag = TAG.exec(named.slice(named.lastIndexOf('/') + 1))?.[1];
  const path = tag === undefined ? named : named.slice(0, -tag.length - 1);
  const first = path.split('/', 1)[0] ?? '';
  const hasRegistry = path !== first && isDomain(first);
  const repository = hasRegistry ? path.replace(/^index\.docker\.io\//, 'docker.io/') : `docker.io/${path}`;
  const isOfficial = /^docker\.io\/[^/]+$/.test(repository);
  return {
    repository: isOfficial ? repository.replace('/', '/library/') : repository,
    ...(tag === undefined ? {} : { tag }),
    hasDigest: named !== text,
  };
}

/** As Docker tells a registry from the first part of a path. */
function isDomain(part: string): boolean {
  return (/[.:]/.test(part) || part === 'localhost' || part !== part.toLowerCase()) && DOMAIN.test(part);
}
