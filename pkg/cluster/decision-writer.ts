import { OvrError } from '../api/index.ts';
import { fitTogether, pack, type Batch, type Change } from './batches.ts';
import { writeDecision, type Decision } from './decision.ts';
import { Election, type Leadership } from './election.ts';
import type { Ledger } from './ledger.ts';
import { inParallel } from './parallel.ts';
import type { Parts } from './parts.ts';
import { EPOCH_PATH } from './paths.ts';
import type { StoreWrite } from './store.ts';

export interface DecisionWriterDeps {
  readonly ledger: Ledger;
  readonly election: Pick<Election, 'leadership' | 'doubt'>;
}

/** Commits of a leader: those that went through, and those that were refused because another leads. */
export interface WriteCounts {
  readonly ok: number;
  readonly refused: number;
}

/** Writes what a leader has decided. Every commit carries the checks of the election, so one that was deposed unknowingly changes nothing. */
export class DecisionWriter {
  readonly #parts: Parts;
  readonly #deps: DecisionWriterDeps;
  #ok = 0;
  #refused = 0;

  constructor(parts: Parts, deps: DecisionWriterDeps) {
    this.#parts = parts;
    this.#deps = deps;
  }

  get counts(): WriteCounts {
    return { ok: this.#ok, refused: this.#refused };
  }

  /** When it fails, some of it may be written: the ledger is in doubt. */
  async write(
    leadership: Leadership,
    changes: readonly Change[],
    decision: Decision | undefined,
  ): Promise<void> {
    try {
      await this.#writeAll(leadership, changes, decision);
    } catch (error) {
      this.#deps.ledger.doubt();
      await this.#judge(leadership, error);
      throw error;
    }
  }

  /** Bindings first and the decision last; in one commit where it fits. */
  async #writeAll(
    leadership: Leadership,
    changes: readonly Change[],
    decision: Decision | undefined,
  ): Promise<void> {
    const writesOf = ({ node, bindings }: Change): readonly StoreWrite[] =>
      this.#deps.ledger.writes(node, bindings);
    const all = changes.flatMap(writesOf);
    const last = decision ? [this.#deps.ledger.decisionWrite(writeDecision(decision))] : [];
    if (fitTogether([...all, ...last])) {
      await this.#commit(leadership, { writes: [...all, ...last], changes });
    } else {
      // Nobody may be given what is still written down for another: first everybody loses, then everybody gets.
      const losing = changes.flatMap((change) => this.#losing(change));
      await this.#commitBatches(leadership, pack(losing, writesOf));
      const gaining = changes.filter(({ node, bindings }) => this.#deps.ledger.nodes.get(node) !== bindings);
      await this.#commitBatches(leadership, pack(gaining, writesOf));
      if (last.length > 0) await this.#commit(leadership, { writes: last, changes: [] });
    }
    if (decision) this.#deps.ledger.wroteDecision(decision);
  }

  /** The part of a change that takes names away, where it takes any. */
  #losing({ node, bindings }: Change): Change[] {
    const before = this.#deps.ledger.nodes.get(node);
    if (!before || hasAll(bindings.names, before.names)) return [];
    const after = new Set(bindings.names);
    const kept = before.names.filter((name) => after.has(name));
    if (kept.length === before.names.length) return [];
    if (kept.length === after.size) return [{ node, bindings }];
    return [{ node, bindings: { ...bindings, names: kept } }];
  }

  async #commitBatches(leadership: Leadership, batches: readonly Batch[]): Promise<void> {
    await inParallel(batches, (batch) => this.#commit(leadership, batch));
  }

  async #commit(leadership: Leadership, { writes, changes }: Batch): Promise<void> {
    // A process that slept may find itself here long after it has lost: the server would refuse, and there is no need to ask.
    if (this.#deps.election.leadership !== leadership) {
      throw new OvrError('coordinator-conflict', 'waiting', 'does not lead any more');
    }
    await this.#parts.store.commit([...Election.fence(leadership), ...writes]);
    this.#ok += 1;
    for (const { node, bindings } of changes) this.#deps.ledger.wrote(node, bindings);
  }

  /** After a refused write: whether it was because another leads. */
  async #judge(leadership: Leadership, error: unknown): Promise<void> {
    if (!(error instanceof OvrError) || error.code !== 'coordinator-conflict') return;
    const { store, journal } = this.#parts;
    const [epoch, candidate] = await Promise.all([store.get(EPOCH_PATH), store.get(leadership.candidate)]);
    if (epoch?.version === leadership.version && candidate?.mine) return;
    this.#refused += 1;
    journal(
      'warning',
      `another agent leads now: a write of epoch ${leadership.epoch} was refused, nothing was changed`,
    );
    this.#deps.election.doubt();
  }
}

/** Whether all of `some` are in `all`, of two lists that are sorted; of others it may be no though they are. */
function hasAll(all: readonly string[], some: readonly string[]): boolean {
  let at = 0;
  return some.every((name) => {
    while (at < all.length && all[at] !== name) at += 1;
    return at < all.length;
  });
}
