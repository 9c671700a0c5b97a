import { readFileSync } from 'node:fs';

/** The package's version; the nearest package.json above is ours, from the sources as from dist. Fails if there is none. */
export function readVersion(): string {
  for (let folder = new URL('.', import.meta.url); folder.pathname !== '/'; folder = new URL('..', folder)) {
    const version = versionIn(new URL('package.json', folder));
    if (version !== undefined) return version;
  }
  throw new Error('ovr is not installed completely: its package.json is missing');
}

function versionIn(file: URL): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const content: unknown = JSON.parse(text);
  const isOurs = typeof content === 'object' && content !== null && 'name' in content && 'version' in content;
  return isOurs && content.name === 'ovr' && typeof content.version === 'string'
    ? content.version
    : undefined;
}
