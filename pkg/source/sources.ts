import { formatDiagnostic, splitKey, type Diagnostic, type ObjectKey } from '../api/index.ts';
import type { NamedFile, Revision } from '../manifest/index.ts';
import { assemble } from '../manifest/merge/index.ts';
import type { Source, SourcePart, SourceState } from '../reconcile/index.ts';

/** What all objects together show anew, now perhaps differently: another source may declare the network, or use the port. */
const SHOWN_ANEW: ReadonlySet<string> = new Set([
  'network-undeclared',
  'dependency-undeclared',
  'port-conflict',
]);

/**
 * Several sources as one. There is a revision once each of them has one; an object that two of them declare is an error that
 * names both places and changes neither; what one of them is in doubt about, all are.
 */
export function createSources(list: readonly Source[]): Source {
  const [only] = list;
  return only !== undefined && list.length === 1 ? only : new Sources(list);
}

interface Merged {
  readonly revision: Revision;
  readonly diagnostics: readonly Diagnostic[];
}

/** A source that has been read. */
interface ReadSource {
  readonly name: string;
  readonly revision: Revision;
}

class Sources implements Source {
  readonly name: string;
  readonly #list: readonly Source[];
  #changed: (() => void) | undefined;
  #state: SourceState = { diagnostics: [] };
  #merged: Merged | undefined;
  /** The revisions that `#merged` was made of. */
  #mergedOf: readonly Revision[] = [];

  constructor(list: readonly Source[]) {
    this.#list = list;
    this.name = list.map(({ name }) => name).join('+');
  }

  async start(changed: () => void): Promise<void> {
    if (this.#changed !== undefined) throw new Error('the sources are started already');
    this.#changed = changed;
    await Promise.all(this.#list.map((source) => source.start(() => this.#refresh())));
    this.#refresh();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#list.map((source) => source.stop()));
  }

  /** The newest state; times of the last sync are those of now. */
  state(): SourceState {
    const parts = this.#parts();
    return { ...this.#state, ...oldestSync(parts), parts };
  }

  #parts(): SourcePart[] {
    return this.#list.map((source) => ({ name: source.name, state: source.state() }));
  }

  #refresh(): void {
    const parts = this.#parts();
    this.#state = { ...this.#declared(parts), ...doubtOf(parts), ...commitsOf(parts) };
    this.#changed?.();
  }

  #declared(parts: readonly SourcePart[]): Pick<SourceState, 'revision' | 'diagnostics'> {
    const own = distinct(parts.flatMap(({ state }) => state.diagnostics));
    const read = parts.flatMap(({ name, state }) =>
      state.revision ? [{ name, revision: state.revision }] : [],
    );
    if (read.length < parts.length) return { diagnostics: own };
    if (
      this.#merged === undefined ||
      read.some(({ revision }, index) => revision !== this.#mergedOf[index])
    ) {
      this.#merged = merge(read, this.#merged?.revision);
      this.#mergedOf = read.map(({ revision }) => revision);
    }
    const { revision, diagnostics } = this.#merged;
    return { revision, diagnostics: [...own.filter(({ code }) => !SHOWN_ANEW.has(code)), ...diagnostics] };
  }
}

/** What is wrong with a file of variables, every source tells. */
function distinct(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return [...new Map(diagnostics.map((diagnostic) => [formatDiagnostic(diagnostic), diagnostic])).values()];
}

function merge(sources: readonly ReadSource[], previous: Revision | undefined): Merged {
  const undecided = new Set(sources.flatMap(({ revision }) => [...revision.undecided]));
  const disputes = sources.flatMap((source) => disputesOf(source, sources));
  const disputed = new Set(disputes.map(({ key }) => key));
  const { revision, diagnostics } = assemble(
    sources.map((source) => withoutDisputed(source, disputed, previous)),
    previous,
    undecided,
  );
  return { revision, diagnostics: [...disputes.map(({ diagnostic }) => diagnostic), ...diagnostics] };
}

interface Dispute {
  readonly key: ObjectKey;
  readonly diagnostic: Diagnostic;
}

/** Objects of this source that another one mentions but does not decide itself. */
function disputesOf(source: ReadSource, sources: readonly ReadSource[]): Dispute[] {
  const others = sources.filter((other) => other !== source);
  return [...source.revision.objects.values()].flatMap(({ key, origin }) => {
    const other = others.find(({ revision }) => revision.undecided.has(key) && !revision.objects.has(key));
    if (other === undefined || source.revision.undecided.has(key)) return [];
    const { kind, name } = splitKey(key);
    const message = `${kind}/${name} is declared in the source ${other.name} too, where it has mistakes; keep one of them (until then neither counts)`;
    return [{ key, diagnostic: { code: 'duplicate-object', severity: 'error', ...origin, message } }];
  });
}

/** Of a disputed object, the version in force stays. */
function withoutDisputed(
  { name, revision }: ReadSource,
  disputed: ReadonlySet<ObjectKey>,
  previous: Revision | undefined,
): NamedFile {
  const objects = [...revision.objects.values()].flatMap((object) =>
    disputed.has(object.key) ? (previous?.objects.get(object.key) ?? []) : [object],
  );
  return { file: name, objects, diagnostics: [] };
}

function doubtOf(parts: readonly SourcePart[]): Pick<SourceState, 'doubt'> {
  const doubts = parts.flatMap(({ name, state }) => {
    if (state.doubt !== undefined) return [`${name}: ${state.doubt}`];
    return state.revision === undefined ? [`${name}: it was not read yet`] : [];
  });
  return doubts.length === 0 ? {} : { doubt: doubts.join('; ') };
}

/** Those of the only source that has commits, so that one Git source among folders shows as it does alone. */
function commitsOf(parts: readonly SourcePart[]): Pick<SourceState, 'commit' | 'attempted' | 'problem'> {
  const states = parts.map(({ state }) => state);
  const problem = states.find((state) => state.problem !== undefined)?.problem;
  const withCommits = states.filter(
    ({ commit, attempted }) => commit !== undefined || attempted !== undefined,
  );
  const [only] = withCommits.length === 1 ? withCommits : [];
  return {
    ...(only?.commit ? { commit: only.commit } : {}),
    ...(only?.attempted ? { attempted: only.attempted } : {}),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** All are as fresh as the one that is least so. */
function oldestSync(parts: readonly SourcePart[]): Pick<SourceState, 'lastSyncMs'> {
  const times = parts.map(({ state }) => state.lastSyncMs);
  const known = times.flatMap((time) => time ?? []).sort((a, b) => a - b);
  const [oldest] = known.length === times.length ? known : [];
  return oldest === undefined ? {} : { lastSyncMs: oldest };
}
