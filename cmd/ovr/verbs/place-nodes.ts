import { isIP } from 'node:net';

import { didYouMean } from '../../../pkg/config/index.ts';
import type { PlacementNode } from '../../../pkg/placement/index.ts';
import { isMap, readDataFile } from './place-file.ts';

type NodeMap = Readonly<Record<string, unknown>>;

interface Field {
  readonly accepts: (value: unknown) => boolean;
  /** What to write, after `must be`. */
  readonly form: string;
}

const NANO = 1e9;
const NAME = /^[a-z0-9][a-z0-9_.-]*$/i;
const EXAMPLE = '[{name: n1, labels: {storage: ssd}, cpus: 4}]';

const text: Field = { accepts: (value) => typeof value === 'string', form: 'a text' };
const FIELDS: Readonly<Record<string, Field>> = {
  name: {
    accepts: (value) => typeof value === 'string' && NAME.test(value),
    form: 'letters, digits, "_", "." and "-", with a letter or digit first',
  },
  labels: {
    accepts: (value) => isMap(value) && Object.values(value).every((each) => typeof each === 'string'),
    form: 'a map of texts, for example {storage: ssd}; numbers need quotes',
  },
  cpus: {
    accepts: (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
    form: 'a number of cores, for example 4 or 0.5',
  },
  memoryBytes: {
    accepts: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
    form: 'a whole number of bytes, for example 8589934592',
  },
  role: { accepts: (value) => value === 'manager' || value === 'worker', form: 'manager or worker' },
  ip: { accepts: (value) => typeof value === 'string' && isIP(value) > 0, form: 'an address' },
  id: text,
  os: text,
  arch: text,
};

/**
 * The nodes that a file lists. Labels count as node labels and as engine labels; what is not given is not known. Fails with all mistakes,
 * one a line.
 */
export async function readNodes(path: string): Promise<readonly PlacementNode[]> {
  const list = await readDataFile(path);
  if (!Array.isArray(list)) throw new Error(`${path}: must hold a list of nodes, for example ${EXAMPLE}`);
  const entries: readonly unknown[] = list;
  const seen = new Set<string>();
  const problems = entries.flatMap((entry, index) => {
    const where = `${path}: node ${index + 1}`;
    if (!isMap(entry)) return [`${where}: must be a map, as in ${EXAMPLE}`];
    const found = problemsOf(entry).map((problem) => `${where}: ${problem}`);
    const { name } = entry;
    if (typeof name !== 'string') return found;
    if (seen.has(name)) found.push(`${where}: the name ${name} is here twice`);
    seen.add(name);
    return found;
  });
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return entries.filter(isMap).map(toNode);
}

function problemsOf(entry: NodeMap): readonly string[] {
  const missing = entry['name'] === undefined ? ['has no name'] : [];
  const wrong = Object.entries(entry).flatMap(([key, value]) => {
    const field = Object.hasOwn(FIELDS, key) ? FIELDS[key] : undefined;
    if (!field) return [`${key}: is not a key${didYouMean(key, Object.keys(FIELDS))}`];
    return value === undefined || field.accepts(value) ? [] : [`${key}: must be ${field.form}`];
  });
  return [...missing, ...wrong];
}

function toNode(entry: NodeMap): PlacementNode {
  const labels = isMap(entry['labels'])
    ? Object.fromEntries(Object.entries(entry['labels']).map(([key, value]) => [key, String(value)]))
    : {};
  const textOf = (key: string): string => {
    const value = entry[key];
    return typeof value === 'string' ? value : '';
  };
  return {
    facts: {
      id: textOf('id'),
      name: textOf('name'),
      ip: textOf('ip'),
      role: entry['role'] === 'manager' ? 'manager' : 'worker',
      os: textOf('os'),
      arch: textOf('arch'),
      labels,
      engineLabels: labels,
    },
    nanoCpus: Math.round(Number(entry['cpus'] ?? 0) * NANO),
    memoryBytes: Number(entry['memoryBytes'] ?? 0),
  };
}
