import { parseDuration } from '../../pkg/config/index.ts';
import { UsageError } from './context.ts';

/** The milliseconds that a flag asks for. Fails with a UsageError. */
export function durationOf(flag: string, text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new UsageError(`${flag} "${text}" is not a duration: write for example 30s, 10m or 2h`);
}
