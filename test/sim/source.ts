import { compareStrings, type ObjectKey } from '../../pkg/api/index.ts';
import { digestOf } from '../../pkg/manifest/digest.ts';
import type { ManifestObject, Revision } from '../../pkg/manifest/index.ts';
import type { Source, SourceState } from '../../pkg/reconcile/index.ts';

/** A revision as a source would name it. */
export function makeRevision(
  objects: Iterable<ManifestObject>,
  undecided: Iterable<ObjectKey> = [],
): Revision {
  const sorted = [...objects].sort((a, b) => compareStrings(a.key, b.key));
  const unread = [...undecided].sort(compareStrings);
  return {
    digest: digestOf(JSON.stringify([sorted.map(({ key, digest }) => [key, digest]), unread])),
    objects: new Map(sorted.map((object) => [object.key, object])),
    undecided: new Set(unread),
  };
}

/** What the manifests of one machine say, and what they said a while ago. */
export class ManifestFolder {
  state: SourceState = { diagnostics: [] };
  readonly #history: { readonly state: SourceState; untilMs: number }[] = [];
  readonly #now: () => number;
  #listener: (() => void) | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  set(state: SourceState): void {
    const nowMs = this.#now();
    this.#history.push({ state: this.state, untilMs: nowMs });
    while (this.#history.length > 40) this.#history.shift();
    this.state = state;
    this.#listener?.();
  }

  /** All states that held at some time since `sinceMs`. */
  since(sinceMs: number): SourceState[] {
    return [
      ...this.#history.filter(({ untilMs }) => untilMs >= sinceMs).map(({ state }) => state),
      this.state,
    ];
  }

  /** As one process sees it, once it has begun to read; `changed` rings after each new state. */
  open(guard: { isDead: () => boolean; later: (run: () => void) => void; changed: () => void }): Source {
    let isRead = false;
    return {
      name: 'sim',
      start: () => {
        guard.later(() => {
          isRead = true;
          guard.changed();
        });
        this.#listener = () => {
          if (isRead && !guard.isDead()) guard.later(guard.changed);
        };
        return Promise.resolve();
      },
      stop: () => Promise.resolve(),
      state: () => (isRead ? this.state : { diagnostics: [] }),
    };
  }
}
