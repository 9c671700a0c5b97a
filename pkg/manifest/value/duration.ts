import { quote } from './quote.ts';
import { accept, reject, type Parsed } from './result.ts';

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const PART = /(\d{1,12}(?:\.\d{1,9})?)(ms|s|m|h)/g;
const WHOLE = /^(?:\d{1,12}(?:\.\d{1,9})?(?:ms|s|m|h))+$/;
const MAX_LENGTH = 64;
const MAX_MS = 365 * 24 * 3_600_000;

/** `500ms`, `10s`, `1m30s`, `2h`, in whole milliseconds; at least one and at most a year. */
export function parseDuration(text: string): Parsed<number> {
  if (/^\d+(\.\d+)?$/.test(text)) return reject(`${quote(text)} has no unit; write for example ${text}s`);
  if (text.length > MAX_LENGTH || !WHOLE.test(text)) {
    return reject(`${quote(text)} is no duration; write for example 500ms, 10s or 1m30s`);
  }
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(PART)) ms += Number(amount) * (UNITS_MS[unit ?? ''] ?? 0);
  const rounded = Math.round(ms);
  if (rounded < 1)
    return reject(`${quote(text)} is too short; the least is 1ms, and no field means the default`);
  if (rounded > MAX_MS) return reject(`${quote(text)} is too long; the most is a year (8760h)`);
  return accept(rounded);
}
