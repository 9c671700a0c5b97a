import { distance } from 'fastest-levenshtein';

const MAX_WORD = 64;
/** `alias` means `aliases`. */
const MIN_STEM = 4;
/** Nearer than two typing mistakes, farther than one: `imagePulPolicy` does not mean `image`. */
const STEM_STEPS = 1.5;

/** The candidate that a mistyped word most likely means: the nearest one, if it is near enough, case, `-` and `_` aside. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > MAX_WORD) return undefined;
  const wanted = simplify(word);
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of candidates) {
    const known = simplify(candidate);
    const isStem = wanted.length >= MIN_STEM && (known.startsWith(wanted) || wanted.startsWith(known));
    const steps = Math.min(distance(wanted, known), isStem ? STEM_STEPS : Infinity);
    if (steps < bestDistance) [best, bestDistance] = [candidate, steps];
  }
  return best;
}

/** `; did you mean X?`, or nothing where no candidate is near. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const found = nearest(word, candidates);
  return found === undefined ? '' : `; did you mean ${found}?`;
}

function simplify(word: string): string {
  return word.toLowerCase().replaceAll(/[-_ ]/g, '');
}
