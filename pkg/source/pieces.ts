import type { LoadOutcome, LoadResult } from './sighting.ts';

/** Of one message, in characters of JSON: copying so much holds up the thread that receives it for some milliseconds. */
const PIECE_SIZE = 512 * 1024;

type Loaded = Extract<LoadOutcome, { status: 'loaded' }>;

/**
 * Cuts results into messages that are not larger than the limit, but for one that holds a single object. A file may be in several of them, one after
 * the other under the same name, what is wrong with it in the first one.
 */
export function piecesOf(results: readonly LoadResult[], limit = PIECE_SIZE): LoadResult[][] {
  const pieces: LoadResult[][] = [];
  let room = -1;
  for (const { part, size } of results.flatMap((result) => cut(result, limit))) {
    if (pieces.length === 0 || size > room) {
      pieces.push([]);
      room = limit;
    }
    pieces.at(-1)?.push(part);
    room -= size;
  }
  return pieces;
}

/** The results that were cut into pieces. */
export function joinPieces(results: readonly LoadResult[]): LoadResult[] {
  const joined: LoadResult[] = [];
  for (const result of results) {
    const last = joined.at(-1);
    if (last?.name === result.name && last.status === 'loaded' && result.status === 'loaded') {
      joined[joined.length - 1] = { ...last, parsed: join(last.parsed, result.parsed) };
    } else joined.push(result);
  }
  return joined;
}

function cut(result: LoadResult, limit: number): { part: LoadResult; size: number }[] {
  if (result.status !== 'loaded') return [{ part: result, size: 0 }];
  const { objects, diagnostics, places, ...more } = result.parsed;
  const parts: { part: LoadResult; size: number }[] = [];
  let [from, size] = [0, 0];
  const end = (to: number): void => {
    const slice = { objects: objects.slice(from, to), diagnostics: from === 0 ? diagnostics : [] };
    const parsed = { ...more, ...slice, ...(places && { places: places.slice(from, to) }) };
    parts.push({ part: { ...result, parsed }, size });
    [from, size] = [to, 0];
  };
  for (const [index, object] of objects.entries()) {
    const own = JSON.stringify(object).length;
    if (index > from && size + own > limit) end(index);
    size += own;
  }
  end(objects.length);
  return parts;
}

function join(one: Loaded['parsed'], other: Loaded['parsed']): Loaded['parsed'] {
  return {
    ...one,
    objects: [...one.objects, ...other.objects],
    diagnostics: [...one.diagnostics, ...other.diagnostics],
    ...(one.places && other.places && { places: [...one.places, ...other.places] }),
  };
}
