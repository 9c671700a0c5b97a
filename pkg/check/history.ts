import type { Suspect } from './suspects.ts';

/** What a node remembers of checks and of what it did about them. Newest last. */
export interface ProbeHistory {
  readonly looks: readonly Look[];
  readonly tries: readonly Try[];
}

/** One check in which this node took part. */
export interface Look {
  /** Monotonic, like all times here. */
  readonly atMs: number;
  /** Endpoints of this node that the others do not find; none until told. */
  readonly suspects: readonly Suspect[];
}

/** An endpoint that was made again, or would have been: `refused`. */
export interface Try {
  readonly endpoint: string;
  readonly atMs: number;
  readonly outcome: 'open' | 'helped' | 'futile' | 'refused';
}

export interface Pace {
  readonly nowMs: number;
  /** Between two checks. */
  readonly intervalMs: number;
}

export const NO_HISTORY: ProbeHistory = { looks: [], tries: [] };

/** Checks one after the other that must find the same. */
export const LOOKS_NEEDED = 3;
/** In intervals: checks by hand in between do not make it quicker. */
const LASTS = 1.5;
/** The first look after a try may have been under way before it. */
const LOOKS_TO_JUDGE = 2;
const HOUR_MS = 3_600_000;
const LONGEST_PAUSE_MS = 24 * HOUR_MS;
const KEPT_LOOKS = 64;
const KEPT_TRIES_MS = 2 * LONGEST_PAUSE_MS;

/** This node has taken part in a check; what the check has come to is told later, or never where all is well. */
export function looked(history: ProbeHistory, atMs: number): ProbeHistory {
  const judged = judge(history);
  return { ...judged, looks: [...judged.looks, { atMs, suspects: [] }].slice(-KEPT_LOOKS) };
}

/** The check in which this node took part last has found these endpoints of its own. */
export function told({ looks, tries }: ProbeHistory, suspects: readonly Suspect[]): ProbeHistory {
  const newest = looks.at(-1);
  if (!newest) return { looks, tries };
  return judge({ looks: [...looks.slice(0, -1), { ...newest, suspects }], tries });
}

/** An endpoint was made again on a suspicion, or will not be. */
export function tried(
  { looks, tries }: ProbeHistory,
  suspect: Suspect,
  { atMs, outcome }: Pick<Try, 'atMs'> & { readonly outcome: 'open' | 'refused' },
): ProbeHistory {
  const kept = tries.filter((one) => atMs - one.atMs < KEPT_TRIES_MS);
  return { looks, tries: [...kept, { endpoint: endpointOf(suspect), atMs, outcome }] };
}

/**
 * The endpoints that are to be made again now, the first of which is to be taken and no other: the same was found in three checks one after
 * the other, no try is unjudged, none of the last ones was in vain lately, and this endpoint was not tried in the last hour. Each
 * further try, and each further one in vain, doubles that hour.
 */
export function dueSuspects({ looks, tries }: ProbeHistory, pace: Pace): readonly Suspect[] {
  if (tries.some(({ outcome }) => outcome === 'open') || isPaused(tries, pace.nowMs)) return [];
  const due = (looks.at(-1)?.suspects ?? []).filter(
    (suspect) => lasts(suspect, looks, pace) && mayTry(suspect, tries, pace.nowMs),
  );
  const first = (suspect: Suspect, at: number): boolean =>
    due.findIndex((other) => endpointOf(other) === endpointOf(suspect)) === at;
  return due.filter(first);
}

/** Of all endpoints in the world, which one. */
export function endpointOf({ containerId, networkId }: Suspect): string {
  return `${containerId} ${networkId}`;
}

/** Whether the newest looks, one after the other, found the same for long enough. */
function lasts(suspect: Suspect, looks: readonly Look[], { intervalMs }: Pace): boolean {
  const isSame = (other: Suspect): boolean =>
    other.kind === suspect.kind &&
    other.address === suspect.address &&
    endpointOf(other) === endpointOf(suspect);
  const clean = looks.findLastIndex(({ suspects }) => !suspects.some(isSame));
  const run = looks.slice(clean + 1);
  const [first, last] = [run[0]?.atMs ?? 0, run.at(-1)?.atMs ?? 0];
  return run.length >= LOOKS_NEEDED && last - first >= LASTS * intervalMs;
}

/** What was done has not helped lately: then it is the network that is broken, not an endpoint. */
function isPaused(all: readonly Try[], nowMs: number): boolean {
  const tries = all.filter(({ outcome }) => outcome !== 'refused');
  const inVain = tries.slice(tries.findLastIndex(({ outcome }) => outcome !== 'futile') + 1);
  const last = inVain.at(-1);
  return last !== undefined && nowMs - last.atMs < pauseMs(inVain.length);
}

function mayTry(suspect: Suspect, all: readonly Try[], nowMs: number): boolean {
  const tries = all.filter(({ endpoint }) => endpoint === endpointOf(suspect));
  const last = tries.at(-1);
  return last === undefined || nowMs - last.atMs >= pauseMs(tries.length);
}

function pauseMs(times: number): number {
  return Math.min(LONGEST_PAUSE_MS, HOUR_MS * 2 ** (times - 1));
}

/** Says of open tries whether they have helped, once enough looks came after them. To be called when the newest look is over. */
function judge({ looks, tries }: ProbeHistory): ProbeHistory {
  const judged = tries.map((one): Try => {
    if (one.outcome !== 'open') return one;
    const after = looks.filter(({ atMs }) => atMs > one.atMs)[LOOKS_TO_JUDGE - 1];
    if (!after) return one;
    const isThere = after.suspects.some((suspect) => endpointOf(suspect) === one.endpoint);
    return { ...one, outcome: isThere ? 'futile' : 'helped' };
  });
  return { looks, tries: judged };
}
