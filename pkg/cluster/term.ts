import type { Leadership } from './election.ts';

/** What a leader knows for as long as its epoch lasts. All times are monotonic, milliseconds. */
export class Term {
  leadership: Leadership;
  /** How many times it has written bindings or a decision. */
  turn = 0;
  /** The connection over which everything was read. */
  connection = 0;
  /** Nothing is decided before. */
  decideAfterMs: number | undefined;
  /** Containers that nobody is known to have are not placed before: nodes may have them that are not back yet. */
  placeNewAfterMs: number | undefined;
  /** Whether bindings were lost with the coordinator's memory, so that reports tell more than bindings do. */
  isRecovering = false;
  readonly beganMs: number;
  readonly #awaySinceMs = new Map<string, number>();

  constructor(leadership: Leadership, nowMs: number) {
    this.leadership = leadership;
    this.beganMs = nowMs;
  }

  /** Notes which of the nodes that matter are no members now. */
  see(nodes: Iterable<string>, present: ReadonlySet<string>, nowMs: number): void {
    const away = new Set([...nodes].filter((node) => !present.has(node)));
    for (const node of this.#awaySinceMs.keys()) if (!away.has(node)) this.#awaySinceMs.delete(node);
    for (const node of away) if (!this.#awaySinceMs.has(node)) this.#awaySinceMs.set(node, nowMs);
  }

  /** Nodes that have been away for so long. */
  lost(nowMs: number, lostAfterMs: number): Set<string> {
    return new Set(
      [...this.#awaySinceMs].filter(([, since]) => nowMs - since >= lostAfterMs).map(([node]) => node),
    );
  }

  /** How long until the next one is lost; undefined where none is on its way. */
  nextLostInMs(nowMs: number, lostAfterMs: number): number | undefined {
    const rest = [...this.#awaySinceMs.values()]
      .map((since) => since + lostAfterMs - nowMs)
      .filter((ms) => ms > 0);
    return rest.length === 0 ? undefined : Math.min(...rest);
  }
}
