import { closest, distance } from 'fastest-levenshtein';

/** The candidate that was probably meant, as ` (did you mean "x"?)`; empty where none is near. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  if (candidates.length === 0) return '';
  const best = closest(word, candidates);
  const tolerated = word.length < 5 ? 1 : Math.max(2, Math.floor(word.length / 3));
  if (distance(word, best) > tolerated) return '';
  return ` (did you mean "${best}"?)`;
}
