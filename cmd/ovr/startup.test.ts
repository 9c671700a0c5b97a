import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/** Modules that `ovr --help` loads: whatever main.ts reaches by imports that are neither types nor on demand. */
async function reachable(start: string): Promise<{ files: Set<string>; packages: Set<string> }> {
  const files = new Set<string>();
  const packages = new Set<string>();
  const waiting = [start];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    const text = await readFile(file, 'utf8');
    for (const [, specifier = ''] of text.matchAll(/^(?:import|export)(?! type)[^;]*? from '([^']+)';/gm)) {
      if (specifier.startsWith('.')) waiting.push(fileURLToPath(new URL(specifier, `file://${file}`)));
      else packages.add(specifier);
    }
  }
  return { files, packages };
}

it('loads next to nothing before it knows what to do', async () => {
  const { files, packages } = await reachable(fileURLToPath(new URL('main.ts', import.meta.url)));
  const outside = [...packages].filter((name) => !name.startsWith('node:'));
  expect(outside.toSorted()).toEqual(['commander', 'fastest-levenshtein']);
  expect([...packages]).not.toContain('node:http');
  const folders = [...files].map((file) => /\/((?:pkg|cmd)\/[a-z]+)\//.exec(file)?.[1]);
  expect([...new Set(folders)].toSorted()).toEqual(['cmd/ovr', 'pkg/api', 'pkg/config']);
});
