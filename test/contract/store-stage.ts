import { OvrError } from '../../pkg/api/index.ts';
import type { CoordinationStore, StoreEvent, StoreWrite, Znode } from '../../pkg/cluster/index.ts';
import type { StoreSubject } from './store-subject.ts';

/** How a call ended. */
export type Outcome<Value> = { readonly value: Value } | { readonly error: unknown };

/** A store that was started, and what it told. */
export class Seat {
  readonly store: CoordinationStore;
  readonly events: StoreEvent[] = [];
  readonly #stage: StoreStage;

  constructor(stage: StoreStage, store: CoordinationStore) {
    this.#stage = stage;
    this.store = store;
  }

  /** Events by type, in the order they came. */
  get told(): readonly StoreEvent['type'][] {
    return this.events.map(({ type }) => type);
  }

  get connections(): Extract<StoreEvent, { type: 'connected' }>[] {
    return this.events.filter((event) => event.type === 'connected');
  }

  get session(): string {
    return this.connections.at(-1)?.session ?? '';
  }

  /** Waits for the next event of the type after the first `after` events. */
  async hears(type: StoreEvent['type'], after = 0): Promise<void> {
    const { subject } = this.#stage;
    await subject.until(`${type} (told so far: ${this.told.join(' ')})`, () =>
      this.told.slice(after).includes(type),
    );
  }

  /** Waits until it is connected again, counted from the first `after` events. */
  async reconnects(after: number): Promise<void> {
    await this.hears('connected', after);
  }

  commit(...writes: StoreWrite[]): Promise<void> {
    return this.#stage.done(this.store.commit(writes));
  }

  create(path: string, data = ''): Promise<void> {
    return this.commit({ type: 'create', path, data, ephemeral: false });
  }

  createEphemeral(path: string, data = ''): Promise<void> {
    return this.commit({ type: 'create', path, data, ephemeral: true });
  }

  set(path: string, data: string, version?: number): Promise<void> {
    return this.commit({ type: 'set', path, data, ...(version === undefined ? {} : { version }) });
  }

  remove(path: string, version?: number): Promise<void> {
    return this.commit({ type: 'remove', path, ...(version === undefined ? {} : { version }) });
  }

  get(path: string, watch?: () => void): Promise<Znode | undefined> {
    return this.#stage.done(this.store.get(path, watch));
  }

  async data(path: string): Promise<string | undefined> {
    return (await this.get(path))?.data;
  }

  children(path: string, watch?: () => void): Promise<readonly string[]> {
    return this.#stage.done(this.store.children(path, watch));
  }

  createSequential(folder: string, prefix: string, data: string): Promise<string> {
    return this.#stage.done(this.store.createSequential(folder, prefix, data));
  }

  /** Reads again and again until the path has (or has not) a znode. */
  async sees(path: string, there: boolean): Promise<void> {
    await this.#stage.eventually(`${path} to be ${there ? 'there' : 'gone'}`, async () => {
      return ((await this.store.get(path)) !== undefined) === there;
    });
  }
}

/** Opens stores on the subject and lets time pass while calls are under way. */
export class StoreStage {
  readonly subject: StoreSubject;
  readonly #opened: CoordinationStore[] = [];

  constructor(subject: StoreSubject) {
    this.subject = subject;
  }

  /** A store that was not started. */
  open(): Seat {
    const store = this.subject.open();
    this.#opened.push(store);
    return new Seat(this, store);
  }

  started(): Seat {
    const seat = this.open();
    seat.store.start((event) => void seat.events.push(event));
    return seat;
  }

  async connected(): Promise<Seat> {
    const seat = this.started();
    await seat.hears('connected');
    return seat;
  }

  /** Waits, while time passes, for the call to end. */
  async outcome<Value>(call: Promise<Value>): Promise<Outcome<Value>> {
    let ended: Outcome<Value> | undefined;
    void call.then(
      (value) => (ended = { value }),
      (error: unknown) => (ended = { error }),
    );
    await this.subject.until('a call to end', () => ended !== undefined);
    return ended ?? { error: new Error('not ended') };
  }

  /** The call's value; throws what it failed with. */
  async done<Value>(call: Promise<Value>): Promise<Value> {
    const ended = await this.outcome(call);
    if ('error' in ended) throw ended.error;
    return ended.value;
  }

  /** How a call failed: `code kind`. */
  async failure(call: Promise<unknown>): Promise<string> {
    const ended = await this.outcome(call);
    return 'error' in ended ? describeError(ended.error) : 'no error';
  }

  async eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
    let [held, asking] = [false, false];
    const ask = async (): Promise<void> => {
      asking = true;
      held = await holds().catch(() => false);
      asking = false;
    };
    await this.subject.until(what, () => {
      if (!held && !asking) void ask();
      return held;
    });
  }

  async close(): Promise<void> {
    this.subject.thaw();
    await this.outcome(Promise.all(this.#opened.splice(0).map((store) => store.stop())));
    await this.subject.dispose();
  }
}

/** As `coordinator-conflict waiting`; the whole error when it is none that the port tells of. */
export function describeError(error: unknown): string {
  return error instanceof OvrError ? `${error.code} ${error.kind}` : `undocumented: ${String(error)}`;
}
