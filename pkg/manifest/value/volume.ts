import type { VolumeMount } from '../objects.ts';
import { parsePath } from './path.ts';
import { quote } from './quote.ts';
import { accept, reject, type Parsed } from './result.ts';
import { didYouMean } from './suggest.ts';

const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
/** Docker's mode words by what they set; only one of a group can be given. */
const MODE_GROUPS: Readonly<Record<string, string>> = {
  rw: 'access',
  ro: 'access',
  z: 'label',
  Z: 'label',
  shared: 'propagation',
  rshared: 'propagation',
  slave: 'propagation',
  rslave: 'propagation',
  private: 'propagation',
  rprivate: 'propagation',
  nocopy: 'copy',
};
const FORM = 'write "SOURCE:TARGET" or "SOURCE:TARGET:ro", for example "/opt/data/logs:/var/log/nginx"';

/** `source:target[:mode]`: the source is an absolute host path (bind) or the name of a volume. */
export function parseVolume(text: string): Parsed<VolumeMount> {
  const [source, target, mode, ...rest] = text.split(':');
  if (source === undefined || target === undefined || rest.length > 0)
    return reject(`${quote(text)} is no volume; ${FORM}`);
  const from = parseSource(source);
  if (!from.ok) return reject(`${quote(text)}: ${from.message}`);
  const to = parsePath(target);
  if (!to.ok) return reject(`${quote(text)}: the target ${to.message}`);
  if (to.value === '/') return reject(`${quote(text)}: a container's / cannot be replaced; mount below it`);
  const words = mode === undefined ? [] : mode.split(',');
  const problem = modeProblem(words, from.value.type);
  if (problem !== undefined) return reject(`${quote(text)}: ${problem}`);
  const kept = words.join(',') === 'rw' ? '' : words.join(',');
  return accept({ ...from.value, target: to.value, ...(kept === '' ? {} : { mode: kept }) });
}

function parseSource(source: string): Parsed<Pick<VolumeMount, 'type' | 'source'>> {
  if (source.startsWith('/')) {
    const path = parsePath(source);
    return path.ok ? accept({ type: 'bind', source: path.value }) : path;
  }
  if (/^[.~]|\//.test(source)) {
    return reject(`the source ${quote(source)} depends on who reads it; write the absolute host path`);
  }
  if (VOLUME_NAME.test(source)) return accept({ type: 'volume', source });
  return reject(
    `${quote(source)} is neither an absolute path nor the name of a volume (two characters at least)`,
  );
}

function modeProblem(words: readonly string[], type: VolumeMount['type']): string | undefined {
  const groups = words.map((word) => (Object.hasOwn(MODE_GROUPS, word) ? MODE_GROUPS[word] : undefined));
  const unknown = words.find((_, index) => groups[index] === undefined);
  if (unknown !== undefined) {
    const known = Object.keys(MODE_GROUPS);
    return `${quote(unknown)} is no mode${didYouMean(unknown, known)} (known: ${known.join(', ')})`;
  }
  if (new Set(groups).size !== groups.length) return `the mode ${quote(words.join(','))} contradicts itself`;
  if (type === 'bind' && groups.includes('copy')) return 'nocopy is for named volumes only';
  if (type === 'volume' && groups.includes('propagation')) return 'propagation modes are for host paths only';
  return undefined;
}
