import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Locks and half packs of a git that was killed. Nobody else works in the clone. */
export async function removeLeftovers(clone: string): Promise<void> {
  const inRoot = (await filesIn(clone)).filter((name) => name.endsWith('.lock'));
  const inRefs = (await filesIn(join(clone, 'refs/ovr'))).filter((name) => name.endsWith('.lock'));
  const packs = (await filesIn(join(clone, 'objects/pack'))).filter((name) =>
    /^tmp_|^\.tmp-|\.lock$/.test(name),
  );
  const paths = [
    ...inRoot.map((name) => join(clone, name)),
    ...inRefs.map((name) => join(clone, 'refs/ovr', name)),
    ...packs.map((name) => join(clone, 'objects/pack', name)),
  ];
  for (const path of paths) await rm(path, { force: true });
}

async function filesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

/** Bytes of all packs, also of those that are being written. */
export async function sizeOf(clone: string): Promise<number> {
  const folder = join(clone, 'objects/pack');
  const sizes = (await filesIn(folder)).map(
    async (name) => (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0,
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** How many packs there are; each fetch adds one. */
export async function countPacks(clone: string): Promise<number> {
  return (await filesIn(join(clone, 'objects/pack'))).filter((name) => name.endsWith('.pack')).length;
}
