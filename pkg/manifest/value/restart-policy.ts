import type { RestartPolicy } from '../objects.ts';
import { quote } from './quote.ts';
import { accept, reject, type Parsed } from './result.ts';
import { nearest } from './suggest.ts';

const NAMES = ['always', 'unless-stopped', 'on-failure', 'no'] as const;
/** What Kubernetes and Compose call it. */
const OTHER_NAMES: Readonly<Record<string, string>> = { never: 'no', none: 'no', onfailure: 'on-failure' };
const MAX_RETRIES = 2 ** 31 - 1;

/** `always`, `unless-stopped`, `no`, `on-failure` or `on-failure:TIMES`. */
export function parseRestartPolicy(text: string): Parsed<RestartPolicy> {
  const [word = '', times, ...rest] = text.split(':');
  const name = NAMES.find((known) => known === word);
  if (name === undefined || rest.length > 0) {
    const meant = OTHER_NAMES[word.toLowerCase()] ?? nearest(word, NAMES);
    const suggestion = meant === undefined ? '' : `; did you mean ${meant}?`;
    return reject(
      `${quote(text)} is no restart policy${suggestion} (known: ${NAMES.join(', ')}, on-failure:TIMES)`,
    );
  }
  if (times === undefined) return accept({ name, maximumRetryCount: 0 });
  if (name !== 'on-failure') return reject(`only on-failure takes a number of times; write ${name}`);
  if (!/^\d{1,10}$/.test(times) || Number(times) > MAX_RETRIES) {
    return reject(`${quote(times)} is no number of times; write for example on-failure:3`);
  }
  return accept({ name, maximumRetryCount: Number(times) });
}
