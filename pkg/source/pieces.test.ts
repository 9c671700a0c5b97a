import fc from 'fast-check';
import { expect, it } from 'vitest';
import { network } from '../../test/build/objects.ts';
import { joinPieces, piecesOf } from './pieces.ts';
import type { LoadResult } from './sighting.ts';

const mistake = {
  code: 'yaml-syntax',
  severity: 'error',
  file: 'a',
  line: 1,
  column: 1,
  message: '',
} as const;

function loaded(name: string, count: number): LoadResult {
  const objects = Array.from({ length: count }, (_, index) => network(`${name}-${index}`));
  const places = objects.map((_, line) => ({ name: { line, column: 1 } }));
  return { name, status: 'loaded', hash: name, parsed: { objects, diagnostics: [mistake], places } };
}

it('keep everything, in order, and are as small as they should be', () => {
  const counts = fc.array(fc.option(fc.nat(12)), { maxLength: 8 });
  fc.assert(
    fc.property(counts, fc.integer({ min: 100, max: 5_000 }), (numbers, limit) => {
      const results = numbers.map((count, index): LoadResult =>
        count === null ? { name: `f${index}`, status: 'busy', by: 'vi' } : loaded(`f${index}`, count),
      );
      const pieces = piecesOf(results, limit);
      expect(joinPieces(pieces.flat())).toEqual(results);
      const sizes = pieces.map((piece) =>
        piece.flatMap((result) =>
          result.status === 'loaded'
            ? result.parsed.objects.map((object) => JSON.stringify(object).length)
            : [],
        ),
      );
      const total = (list: readonly number[]): number => list.reduce((sum, size) => sum + size, 0);
      for (const list of sizes) if (list.length > 1) expect(total(list)).toBeLessThanOrEqual(limit);
      // What is small enough comes in one.
      if (total(sizes.flat()) <= limit) expect(pieces.length).toBeLessThanOrEqual(1);
    }),
  );
});
