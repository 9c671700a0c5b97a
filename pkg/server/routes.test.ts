import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

import { ROUTES } from './routes.ts';

it('docs/api.md has exactly the routes there are', async () => {
  const page = await readFile(new URL('../../docs/api.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| (GET|POST) \| `([^`]+)` \| (both|socket) \|/gm)].map((row) =>
    row.slice(1),
  );
  const routes = ROUTES.map(({ method, path, onlySocket }) => [method, path, onlySocket ? 'socket' : 'both']);
  expect(rows).toEqual(routes);
});
