import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findViolations, type LayeringRules, readTable, type SourceFile } from './layering.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PURE = new Set([
  'pkg/api',
  'pkg/constraint',
  'pkg/manifest',
  'pkg/state',
  'pkg/plan',
  'pkg/placement',
  'pkg/check',
]);

/** Where each outside package may be imported. An adapter exists to keep one of them in one place. */
const PACKAGES = {
  'cli-table3': ['cmd'],
  'fastest-levenshtein': ['pkg/constraint', 'pkg/manifest', 'pkg/config', 'cmd'],
  'ipaddr.js': ['pkg/constraint', 'pkg/manifest', 'pkg/plan'],
  'node-zookeeper-client': ['pkg/zookeeper'],
  'pino-pretty': ['pkg/agent', 'cmd'],
  'prom-client': ['pkg/metrics'],
  chokidar: ['pkg/source'],
  commander: ['pkg/config', 'cmd'],
  dockerode: ['pkg/docker'],
  pino: ['pkg/agent', 'cmd'],
  re2js: ['pkg/constraint'],
  'simple-git': ['pkg/source'],
  yaml: ['pkg/manifest', 'pkg/config', 'cmd/ovr'],
  zod: ['pkg/manifest', 'pkg/config', 'pkg/docker', 'pkg/probe'],
} as const;

function projectFiles(): SourceFile[] {
  return ['pkg', 'cmd'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => {
        const file = join(entry.parentPath, entry.name);
        return { path: relative(ROOT, file), text: readFileSync(file, 'utf8') };
      }),
  );
}

function projectRules(): LayeringRules {
  const markdown = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
  return { mayImport: readTable(markdown), pure: PURE, packages: PACKAGES };
}

describe('the layers of the project', () => {
  it('are as docs/architecture.md says', () => {
    expect(findViolations(projectFiles(), projectRules())).toEqual([]);
  });

  it('are all in the table, and the table names no other', () => {
    const folders = ['pkg', 'cmd'].flatMap((top) =>
      readdirSync(join(ROOT, top)).map((name) => `${top}/${name}`),
    );
    expect([...projectRules().mayImport.keys()].sort()).toEqual(folders.sort());
  });

  it('have a home for each package that is installed with ovr, and for no other', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(Object.keys(PACKAGES).sort()).toEqual(Object.keys(manifest.dependencies).sort());
  });
});

const TABLE = `
| folder | what is in it | may import |
|---|---|---|
| \`pkg/api\` | words | nothing |
| \`pkg/state\` | facts | api |
| \`pkg/plan\` | choices | api, state |
| \`pkg/docker\` | adapter | api … plan |
| \`pkg/source\` | adapter | api … plan |
| \`pkg/agent\` | wires | everything in pkg |
| \`cmd/ovrd\`, \`cmd/ovr\` | start | everything |
| \`test\` | tests | everything |
`;

describe('readTable', () => {
  it('reads words, lists, ranges and rows of two folders', () => {
    const table = new Map([...readTable(TABLE)].map(([folder, allowed]) => [folder, [...allowed]]));
    const inPkg = ['pkg/api', 'pkg/state', 'pkg/plan', 'pkg/docker', 'pkg/source', 'pkg/agent'];
    expect(table.get('pkg/api')).toEqual([]);
    expect(table.get('pkg/plan')).toEqual(['pkg/api', 'pkg/state']);
    expect(table.get('pkg/docker')).toEqual(['pkg/api', 'pkg/state', 'pkg/plan']);
    expect(table.get('pkg/agent')).toEqual(inPkg);
    expect(table.get('cmd/ovr')).toEqual([...inPkg, 'cmd/ovrd', 'cmd/ovr']);
    expect(table.has('test')).toBe(false);
  });

  it('refuses a folder that is no row', () => {
    expect(() => readTable('| `pkg/api` | words | nowhere |')).toThrow('nowhere');
  });
});

describe('findViolations', () => {
  const rules: LayeringRules = {
    mayImport: readTable(TABLE),
    pure: new Set(['pkg/api', 'pkg/state', 'pkg/plan']),
    packages: { dockerode: ['pkg/docker'], '@scope/hashes': ['pkg/state'], pino: ['pkg/agent', 'cmd'] },
  };
  const known = [
    'pkg/api/index.ts',
    'pkg/api/key.ts',
    'pkg/state/index.ts',
    'pkg/plan/index.ts',
    'pkg/plan/inner/index.ts',
    'pkg/plan/inner/deep.ts',
    'pkg/docker/index.ts',
    'pkg/source/index.ts',
  ].map((path) => ({ path, text: '' }));
  const check = (path: string, text: string): string[] => findViolations([...known, { path, text }], rules);

  it.each([
    ['pkg/state/a.ts', `import { b } from '../api/index.ts';`],
    ['pkg/state/a.ts', `import { sha256 } from '@scope/hashes/sha2.js';`],
    ['pkg/state/a.ts', `import { hash } from 'node:crypto';`],
    ['pkg/api/a.ts', `import { b } from './key.ts';`],
    ['pkg/plan/a.ts', `import { b } from './inner/index.ts';`],
    ['pkg/plan/inner/b.ts', `import { b } from './deep.ts';`],
    [
      'pkg/docker/a.ts',
      `import { b } from '../plan/inner/index.ts'; import 'node:fs'; import D from 'dockerode';`,
    ],
    ['pkg/docker/parse-worker.ts', `import { b } from '../plan/inner/deep.ts';`],
    ['pkg/api/a.test.ts', `import 'node:fs'; import { b } from '../plan/inner/deep.ts'; import 'vitest';`],
    ['cmd/ovrd/main.ts', `import { b } from '../../pkg/docker/index.ts'; import pino from 'pino';`],
    ['pkg/api/a.ts', `// import { b } from '../plan/index.ts';\nconst text = "import '../plan/index.ts'";`],
  ])('allows %s: %s', (path, text) => {
    expect(check(path, text)).toEqual([]);
  });

  it.each([
    [
      'an arrow up',
      'pkg/api/a.ts',
      `import { b } from '../plan/index.ts';`,
      'pkg/api may not import pkg/plan',
    ],
    ['types too', 'pkg/api/a.ts', `import type { B } from '../plan/index.ts';`, 'may not import'],
    ['an export from', 'pkg/api/a.ts', `export * from '../plan/index.ts';`, 'may not import'],
    ['a dynamic import', 'pkg/api/a.ts', `const b = await import('../plan/index.ts');`, 'may not import'],
    ['an adapter to another', 'pkg/docker/a.ts', `import { b } from '../source/index.ts';`, 'may not import'],
    ['core to cmd', 'pkg/agent/a.ts', `import { b } from '../../cmd/ovrd/main.ts';`, 'no such file'],
    ['past a public face', 'pkg/plan/a.ts', `import { b } from '../api/key.ts';`, 'import pkg/api/index.ts'],
    [
      'past an inner face',
      'pkg/plan/a.ts',
      `import { b } from './inner/deep.ts';`,
      'pkg/plan/inner/index.ts',
    ],
    ['node in the core', 'pkg/state/a.ts', `import { join } from 'node:path';`, 'no node modules'],
    [
      'a package away from home',
      'pkg/source/a.ts',
      `import D from 'dockerode';`,
      'belongs to pkg/docker alone',
    ],
    ['a scoped package', 'pkg/plan/a.ts', `import '@scope/hashes/sha2.js';`, 'belongs to pkg/state alone'],
    ['a package without a home', 'pkg/api/a.ts', `import _ from 'lodash';`, 'lodash has no home'],
    ['node without its prefix', 'pkg/docker/a.ts', `import fs from 'fs';`, 'fs has no home'],
    ['a file that is not there', 'pkg/docker/a.ts', `import { b } from './gone.ts';`, 'no such file'],
    [
      'a folder not in the table',
      'pkg/extra/a.ts',
      `import { b } from '../api/index.ts';`,
      'not in the table',
    ],
  ])('finds %s', (_what, path, text, problem) => {
    expect(check(path, text)).toEqual([expect.stringContaining(problem)]);
  });
});
