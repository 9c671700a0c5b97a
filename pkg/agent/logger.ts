import { pino, type DestinationStream } from 'pino';
import { PinoPretty } from 'pino-pretty';
import type { Logger } from '../api/index.ts';

/** A pino logger on standard error: JSON lines, or coloured text for people. */
export function createLogger(options: {
  format: 'json' | 'pretty';
  level: string;
  destination?: DestinationStream;
}): Logger {
  const { format, level, destination } = options;
  const out =
    destination ??
    (format === 'pretty'
      ? PinoPretty({ destination: 2, sync: true })
      : pino.destination({ dest: 2, sync: true }));
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    out,
  );
}
