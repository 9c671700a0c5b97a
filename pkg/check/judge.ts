import type { ErrandNetwork } from './errand.ts';
import type { NameAnswer } from './findings.ts';

/** How an answer differs from what must be there. `missing` also: some addresses are; `stale`: nobody has an address in it. */
export const VERDICTS = ['missing', 'stale', 'wrong'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** What is known of the networks that the container is on that asked. */
export interface Question {
  readonly network: ErrandNetwork;
  /** Others that it is on: a name may mean what it means there. */
  readonly others: readonly ErrandNetwork[];
}

/**
 * Compares an answer with what must be there. Where not all holders are known, more addresses than the known ones are fine, unless one of
 * them is a known container's that does not hold the name.
 */
export function judge(name: string, answer: NameAnswer, { network, others }: Question): Verdict | 'ok' {
  const all = [network, ...others].filter(({ names }) => Object.hasOwn(names, name));
  const verdicts = all.map((one) => compare(answer.addresses, one, one.names[name] ?? []));
  return verdicts.includes('ok') ? 'ok' : (verdicts[0] ?? 'ok');
}

function compare(
  answered: readonly string[],
  network: ErrandNetwork,
  expected: readonly string[],
): Verdict | 'ok' {
  const more = answered.filter((address) => !expected.includes(address));
  const owned = new Set(Object.values(network.names).flat());
  if (more.some((address) => owned.has(address))) return 'wrong';
  if (more.length > 0 && network.isComplete) return 'stale';
  return expected.every((address) => answered.includes(address)) ? 'ok' : 'missing';
}
