import { stringify } from 'yaml';
import { assemble, parseManifest, type Revision } from '../../pkg/manifest/index.ts';

/** A container's document; image `busybox` unless told. */
export function containerText(name: string, spec: object = {}, metadata: object = {}): string {
  return stringify({
    apiVersion: 'ovr/v1',
    kind: 'Container',
    metadata: { name, ...metadata },
    spec: { image: 'busybox', ...spec },
  });
}

/** A network's document. */
export function networkText(name: string, spec: object = {}): string {
  return stringify({ apiVersion: 'ovr/v1', kind: 'Network', metadata: { name }, spec });
}

/** The revision of one file with these documents, as a source makes it. */
export function parsedRevision(...documents: readonly string[]): Revision {
  const parsed = parseManifest(documents.join('---\n'), 'all.yaml');
  const problem = parsed.diagnostics.find(({ severity }) => severity === 'error');
  if (problem) throw new Error(problem.message);
  return assemble([{ file: 'all.yaml', ...parsed }]).revision;
}
