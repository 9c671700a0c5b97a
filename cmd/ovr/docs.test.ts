import { access, readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';

import { CONDITIONS, PLAYBOOKS } from '../../pkg/api/index.ts';
import { optionRows } from '../../pkg/config/index.ts';
import { EVENT_TYPES, RESULTS } from '../../pkg/reconcile/index.ts';
import { createProgram } from './program.ts';

const page = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8');
const { program } = createProgram(() => Promise.resolve());

/** The text below a heading, up to the next one. */
function section(heading: string): string {
  const [, text] = page.split(`\n${heading}\n`);
  return text?.split(/\n##/)[0] ?? '';
}

/** Flags in the first column of the tables of a text. */
function flagsIn(text: string): readonly string[] {
  return [...text.matchAll(/^\| (`-[^|]*) \|/gm)]
    .flatMap(([, cell = '']) => [...cell.matchAll(/--?[a-zA-Z][a-z-]*/g)].map(([flag]) => flag))
    .toSorted();
}

function flagsOf(command: Command): readonly string[] {
  return command.options
    .flatMap(({ short, long }) => [short, long].filter((flag) => flag !== undefined))
    .toSorted();
}

describe('docs/cli.md', () => {
  it.each(['ovrd', 'ovr'] as const)('has the options of %s as they are', (name) => {
    const rows = section(`## ${name}`)
      .split('\n')
      .filter((line) => /^\| `--/.test(line));
    expect(rows).toEqual(optionRows(name));
  });

  it('has a section for every verb', () => {
    const headings = [...page.matchAll(/^### ovr (\w+)$/gm)].map(([, verb]) => verb);
    expect(headings.toSorted()).toEqual(program.commands.map((verb) => verb.name()).toSorted());
  });

  it.each(program.commands.map((verb) => [verb.name(), verb] as const))(
    'has the flags of ovr %s',
    (name, verb) => {
      expect(flagsIn(section(`### ovr ${name}`))).toEqual(flagsOf(verb));
      expect(section(`### ovr ${name}`)).toMatch(new RegExp(`ovr ${name}\\b|JSON: `));
    },
  );
});

describe('docs/healing.md', () => {
  const rows = async (): Promise<string[][]> => {
    const text = await readFile(new URL('../../docs/healing.md', import.meta.url), 'utf8');
    return text
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));
  };

  it('has a row for each failure, in order', async () => {
    const failures = (await rows()).flatMap(([name = '']) => (/^P\d+$/.test(name) ? [name] : []));
    expect(failures).toEqual(Array.from({ length: 25 }, (_, index) => `P${index + 1}`));
  });

  it('names every playbook and no other', async () => {
    const listed = (await rows()).flatMap(([name = '']) =>
      /^`[a-z-]+`$/.test(name) ? [name.slice(1, -1)] : [],
    );
    expect(listed).toEqual([...PLAYBOOKS]);
    const used = (await rows())
      .filter(([name = '']) => /^P\d+$/.test(name))
      .flatMap(([, , does = '']) => [...does.matchAll(/\*\*`([a-z-]+)`\*\*/g)].map(([, word = '']) => word));
    expect(new Set(used)).toEqual(new Set(PLAYBOOKS));
  });

  it('names tests that are there', async () => {
    const tests = (await rows()).flatMap((cells) =>
      [...(cells[3] ?? '').matchAll(/`((?:pkg|test)\/[^`]+\.ts)`/g)].map(([, path = '']) => path),
    );
    expect(tests.length).toBeGreaterThan(20);
    for (const path of new Set(tests)) await access(new URL(`../../${path}`, import.meta.url));
  });
});

describe('docs/api.md', () => {
  it('lists the words that are closed sets', async () => {
    const api = await readFile(new URL('../../docs/api.md', import.meta.url), 'utf8');
    for (const word of [...CONDITIONS, ...EVENT_TYPES, ...PLAYBOOKS, ...RESULTS])
      expect(api).toContain(`'${word}'`);
  });
});
