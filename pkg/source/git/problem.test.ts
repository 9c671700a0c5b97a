import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GIT_CODES } from './problem.ts';

const page = readFileSync(new URL('../../../docs/git.md', import.meta.url), 'utf8');

describe('docs/git.md', () => {
  it('explains every code, and no other', () => {
    const codes = [...page.matchAll(/^\| `(git-[a-z-]+)` \|/gm)].map(([, code]) => code);
    expect(codes).toEqual([...GIT_CODES]);
  });
});
