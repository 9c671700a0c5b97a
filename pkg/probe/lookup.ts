import { z } from 'zod';
import { OvrError } from '../api/index.ts';
import type { NameAnswer } from '../check/index.ts';
import type { Ran } from './tool.ts';

const MAX_ADDRESSES = 1000;

const answerLine = z.object({
  name: z.string(),
  addresses: z.array(z.string()).max(MAX_ADDRESSES),
  error: z.string().optional(),
});
const mtuLine = z.object({ mtu: z.number().int().positive().optional() });

/** Reads what the helper printed. A last line that was cut off does not count. */
export function readLookup(ran: Ran): { answers: readonly NameAnswer[]; mtu?: number } {
  if (ran.end === 'flood') throw broken('its answers are too many: check fewer networks at once');
  const lines = ran.stdout.split('\n').flatMap(parse);
  if (lines.length === 0)
    throw broken(ran.stderr.trim().slice(-300) || `it ended with ${ran.end} ${ran.code}`);
  const answers = lines.flatMap((line): NameAnswer[] => {
    const read = answerLine.safeParse(line);
    if (!read.success) return [];
    const { name, addresses, error } = read.data;
    return [{ name, addresses, ...(error === undefined ? {} : { error }) }];
  });
  const mtu = mtuLine.safeParse(lines[0]).data?.mtu;
  return { answers, ...(mtu === undefined ? {} : { mtu }) };
}

function parse(line: string): unknown[] {
  try {
    return line === '' ? [] : [JSON.parse(line) as unknown];
  } catch {
    return [];
  }
}

function broken(message: string): OvrError {
  return new OvrError('invalid-request', 'invalid', `the names could not be asked for: ${message}`);
}
