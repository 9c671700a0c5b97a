import { inParallel } from './parallel.ts';
import { reportPath } from './paths.ts';
import { readReport, type Report } from './report.ts';
import type { CoordinationStore } from './store.ts';

/** Reports of the nodes that a leader has a question about, each watched for as long as it has one. */
export class ReportBook {
  readonly #store: Pick<CoordinationStore, 'get'>;
  readonly #changed: () => void;
  readonly #reports = new Map<string, Report | undefined>();
  readonly #stale = new Set<string>();

  /** `changed` rings when a wanted report is another one. */
  constructor(store: Pick<CoordinationStore, 'get'>, changed: () => void) {
    this.#store = store;
    this.#changed = changed;
  }

  /** Undefined where there is none that can be believed, and for nodes that were not asked about. */
  of(node: string): Report | undefined {
    return this.#reports.get(node);
  }

  /** All reports that are known. */
  all(): ReadonlyMap<string, Report | undefined> {
    return this.#reports;
  }

  reset(): void {
    this.#reports.clear();
  }

  /** Reads those that are wanted and not known as they are now, and forgets all others. */
  async refresh(wanted: ReadonlySet<string>): Promise<void> {
    for (const node of this.#reports.keys()) if (!wanted.has(node)) this.#reports.delete(node);
    const missing = [...wanted].filter((node) => !this.#reports.has(node) || this.#stale.has(node));
    await inParallel(missing, async (node) => {
      this.#stale.delete(node);
      const path = reportPath(node);
      // A watch may ring before the answer that it came with has been taken in: it must not be forgotten with it.
      const znode = await this.#store.get(path, () => {
        this.#stale.add(node);
        this.#changed();
      });
      const read = znode && readReport(path, znode.data);
      this.#reports.set(node, read?.ok ? read.value : undefined);
    });
  }
}
