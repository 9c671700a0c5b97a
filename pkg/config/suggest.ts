import { closest, distance } from 'fastest-levenshtein';

/** The candidate that was probably meant, as ` (did you mean "x"?)`; empty where none is near. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const best = candidates.length === 0 ? undefined : closest(word, candidates);
  if (best === undefined || distance(word, best) > Math.max(2, Math.floor(word.length / 3))) return '';
  return ` (did you mean "${best}"?)`;
}
