import type { Reason } from '../api/index.ts';
import type { EngineKind } from '../state/index.ts';
import { STANDINGS, type HolderFact, type Succession } from './alias.ts';
import type { Holders, LocalHolder } from './alias-holders.ts';

/** Whether one container of this node is to have the name, and why, where that is a change. */
export interface NameDecision {
  readonly holder: LocalHolder;
  readonly isWanted: boolean;
  readonly reason: Reason;
}

export interface AliasDecision {
  readonly names: readonly NameDecision[];
  /** Present while old holders have the name beside new ones. */
  readonly succession?: Succession;
  /** Until the old ones may lose it. */
  readonly waitMs?: number;
}

/** What agents need to tell each other of a new name: a cluster store does at once, Swarm mode by gossip. */
const SPREAD_MS: Readonly<Record<EngineKind, number>> = {
  plain: 0,
  'cluster-store': 100,
  'classic-swarm': 100,
  'swarm-manager': 500,
  'swarm-worker': 500,
};
/** Nobody tells of holders on other nodes: their agents read the same manifests at about this time. */
const UNSEEN_MS = 5_000;

/**
 * Decides for each container of this node whether it is to have the alias's name. A name is never taken from its last holder: an unready one
 * loses it when a better one has it, one that is not chosen any more when all that are chosen and ready have had it for the overlap. What is
 * not known of other nodes keeps things as they are.
 */
export function decideAlias(
  holders: Holders,
  before: Succession | undefined,
  now: { readonly nowMs: number; readonly engine: EngineKind },
): AliasDecision {
  const handover = handoverOf(holders, before, now);
  const names = holders.local.map((holder) => decideName(holders, holder, handover));
  const leaving = holders.local.some(({ isChosen, fact }) => !isChosen && fact.has);
  if (!handover || !leaving) return { names };
  const { succession, waitMs } = handover;
  return { names, succession, ...(waitMs > 0 ? { waitMs } : {}) };
}

interface Handover {
  readonly succession: Succession;
  /** 0: done. */
  readonly waitMs: number;
}

/** Whom old holders can leave the name to; undefined while there is nobody, or while it is not known. */
function handoverOf(
  holders: Holders,
  before: Succession | undefined,
  { nowMs, engine }: { readonly nowMs: number; readonly engine: EngineKind },
): Handover | undefined {
  const overlapMs = holders.alias.spec.overlapMs ?? SPREAD_MS[engine];
  const ready = chosenOf(holders).filter(({ standing }) => standing === 'ready');
  const heirs = ready.map(({ container, node }) => `${container}@${node}`).join(' ');
  if (ready.length > 0 && ready.every(({ has }) => has)) {
    return handoverSince(heirs, overlapMs, { before, nowMs });
  }
  if (ready.length > 0 || !holders.isComplete || holders.unseen.length === 0) return undefined;
  return handoverSince(`${holders.unseen.join(' ')} unseen`, Math.max(overlapMs, UNSEEN_MS), {
    before,
    nowMs,
  });
}

function handoverSince(
  heirs: string,
  overlapMs: number,
  { before, nowMs }: { before: Succession | undefined; nowMs: number },
): Handover {
  const isSame = before?.heirs === heirs && before.sinceMs <= nowMs;
  const sinceMs = isSame ? before.sinceMs : nowMs;
  return { succession: { heirs, sinceMs }, waitMs: Math.max(0, sinceMs + overlapMs - nowMs) };
}

function chosenOf({ facts, chosen }: Holders): HolderFact[] {
  return facts.filter(({ container }) => chosen.has(container));
}

function decideName(holders: Holders, holder: LocalHolder, handover: Handover | undefined): NameDecision {
  const moved: Reason = holders.isSwitched ? 'AliasSwitched' : 'AliasMoved';
  if (!holder.isChosen) {
    const mayGo = handover?.waitMs === 0 || !holder.fact.has;
    return { holder, isWanted: !mayGo, reason: moved };
  }
  if (holders.alias.spec.readiness === 'Running') return { holder, isWanted: true, reason: moved };
  if (holder.fact.standing === 'ready') {
    const others = holders.facts.some(({ container, has }) => has && !holders.chosen.has(container));
    return { holder, isWanted: true, reason: others || holders.isSwitched ? moved : 'HolderReady' };
  }
  return { holder, isWanted: staysThoughUnready(holders, holder), reason: 'HolderUnready' };
}

/** The least bad stays; one that is in a bad way takes the name up only where nobody has it any more. */
function staysThoughUnready(holders: Holders, { fact, isConfigured }: LocalHolder): boolean {
  const having = holders.facts.filter(({ has }) => has);
  if (isConfigured) return !having.some((other) => rank(other) < rank(fact));
  return holders.isComplete && having.length === 0 && fact.standing === 'unhealthy' && isBest(holders, fact);
}

function isBest(holders: Holders, fact: HolderFact): boolean {
  return chosenOf(holders).every((other) => rank(other) >= rank(fact) || other.standing === 'starting');
}

function rank({ standing }: HolderFact): number {
  return STANDINGS.indexOf(standing);
}
