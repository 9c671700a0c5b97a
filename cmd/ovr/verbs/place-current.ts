import { isMap, readDataFile } from './place-file.ts';

const FORM = 'must be what ovr place -o json prints, or a map of containers to nodes such as {web_1: n1}';

/** Which container is on which node, from a file. Fails with a message that tells what to write. */
export async function readCurrent(path: string): Promise<ReadonlyMap<string, string>> {
  const data = await readDataFile(path);
  if (!isMap(data)) throw new Error(`${path}: ${FORM}`);
  const { placements } = data;
  const pairs = Array.isArray(placements) ? placements.map(pairOf) : Object.entries(data);
  return new Map(
    pairs.map(([container, node]) => {
      if (typeof container === 'string' && typeof node === 'string') return [container, node];
      throw new Error(`${path}: ${FORM}`);
    }),
  );
}

function pairOf(placement: unknown): readonly [unknown, unknown] {
  return isMap(placement) ? [placement['container'], placement['node']] : [undefined, undefined];
}
