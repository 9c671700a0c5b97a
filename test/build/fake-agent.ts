import { FakeClock, silentLogger, type ObjectKey } from '../../pkg/api/index.ts';
import type { CheckReport } from '../../pkg/check/index.ts';
import {
  alone,
  ALONE_STATUS,
  type AgentControl,
  type AgentEvent,
  type AgentStatus,
  type AgentView,
  type ClusterView,
  type Finding,
  type FindingAnswer,
  type ObjectStatus,
  type PlannedChange,
  type ReleaseResult,
  type ResumeResult,
  type RevisionControl,
  type RevisionDiff,
  type RevisionHistory,
  type RollbackRequest,
  type RollbackResult,
  type SuspendRequest,
  type SuspendResult,
  type SuspensionControl,
  type SuspensionTarget,
  type SwitchControl,
  type SwitchRequest,
  type SwitchResult,
} from '../../pkg/reconcile/index.ts';
import type { ServerOptions, SyncResult } from '../../pkg/server/index.ts';

/** An agent that says what a test tells it to, and remembers what it was asked. */
export class FakeAgent implements AgentView, AgentControl, RevisionControl, SwitchControl, SuspensionControl {
  current: Omit<AgentStatus, 'lastRoundMs'> = {
    version: '0.1.0',
    cluster: 'default',
    node: 'swarm-node-1',
    mode: 'enforce',
    startedMs: 0,
    engine: { up: true, message: 'answers', kind: 'plain', version: '20.10.24', apiVersion: '1.41' },
    revision: { digest: 'abcdef0123456789', objects: 0 },
    coordinator: ALONE_STATUS,
    sources: [{ name: '/etc/ovr.d', synced: true, lastSyncMs: 0 }],
    diagnostics: [],
    prune: { held: false, reason: '', keys: [] },
    holds: [],
    converged: true,
    working: [],
    objects: [],
    aliases: [],
  };
  changes: readonly PlannedChange[] = [];
  /** What the next diff or confirmation fails with. */
  failure: Error | undefined;
  resyncs = 0;
  /** Rounds done so far; stands for the time of the last one. */
  rounds = 1;
  readonly #log: AgentEvent[] = [];
  readonly #listeners = new Set<(event: AgentEvent) => void>();

  /** How many follow its events now. */
  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** Changes some of the status. */
  set(change: Partial<AgentStatus>): void {
    this.current = { ...this.current, ...change };
  }

  /** Adds an event with the next ID and tells the listeners. */
  emit(event: Omit<AgentEvent, 'id'>): void {
    const numbered = { ...event, id: this.#log.length + 1 };
    this.#log.push(numbered);
    for (const listener of this.#listeners) listener(numbered);
  }

  status(): AgentStatus {
    return { ...this.current, ...(this.rounds > 0 && { lastRoundMs: this.rounds }) };
  }

  events(afterId: number): readonly AgentEvent[] {
    return this.#log.filter(({ id }) => id > afterId);
  }

  onEvent(listener: (event: AgentEvent) => void): { stop(): void } {
    this.#listeners.add(listener);
    return { stop: () => this.#listeners.delete(listener) };
  }

  /** Absent: it is alone. */
  view: ClusterView | undefined;

  cluster(): Promise<ClusterView> {
    if (this.failure) return Promise.reject(this.failure);
    return this.view ? Promise.resolve(this.view) : alone.view(this.status());
  }

  diff(): Promise<readonly PlannedChange[]> {
    return this.failure ? Promise.reject(this.failure) : Promise.resolve(this.changes);
  }

  confirmPrune(): Promise<readonly ObjectKey[]> {
    if (this.failure) return Promise.reject(this.failure);
    const { keys } = this.current.prune;
    this.set({ prune: { held: false, reason: '', keys: [] } });
    return Promise.resolve(keys);
  }

  /** What a check comes to, and for which networks it was asked. */
  report: CheckReport = fakeReport();
  checked: readonly (readonly string[])[] = [];

  check(networks: readonly string[]): Promise<CheckReport> {
    this.checked = [...this.checked, networks];
    return this.failure ? Promise.reject(this.failure) : Promise.resolve(this.report);
  }

  /** What asking the Git remote comes to. */
  synced: SyncResult = { source: { name: 'git', synced: true }, diagnostics: [] };

  sync(): Promise<SyncResult> {
    return Promise.resolve(this.synced);
  }

  revisions: RevisionHistory = { revisions: [] };
  difference: RevisionDiff = { from: '', to: '', differences: [] };
  /** What the next rollback answers, and what the last one asked for. */
  rolledBack: RollbackResult | undefined;
  resumed: ResumeResult = {};
  asked: unknown;

  history(): RevisionHistory {
    return this.revisions;
  }

  compare(from: string | undefined, to: string | undefined): Promise<RevisionDiff> {
    this.asked = { from, to };
    return this.failure ? Promise.reject(this.failure) : Promise.resolve(this.difference);
  }

  rollback(request: RollbackRequest): Promise<RollbackResult> {
    this.asked = request;
    if (this.rolledBack) return Promise.resolve(this.rolledBack);
    return Promise.reject(this.failure ?? new Error('this test expects no rollback'));
  }

  resume(): Promise<ResumeResult> {
    return this.failure ? Promise.reject(this.failure) : Promise.resolve(this.resumed);
  }

  /** What the next switch answers; undefined: nothing was switched. */
  switched: SwitchResult | undefined;

  switchAlias(request: SwitchRequest): Promise<SwitchResult> {
    this.asked = request;
    if (this.switched) return Promise.resolve(this.switched);
    return Promise.reject(this.failure ?? new Error('this test expects no switch'));
  }

  switchBack(alias: string): Promise<SwitchResult | undefined> {
    this.asked = alias;
    return this.failure ? Promise.reject(this.failure) : Promise.resolve(this.switched);
  }

  /** What the next suspension answers, and what ending one does. */
  suspended: SuspendResult | undefined;
  released: ReleaseResult = { released: [] };

  suspend(request: SuspendRequest): Promise<SuspendResult> {
    this.asked = request;
    if (this.suspended) return Promise.resolve(this.suspended);
    return Promise.reject(this.failure ?? new Error('this test expects no suspension'));
  }

  release(target: SuspensionTarget): Promise<ReleaseResult> {
    this.asked = target;
    return this.failure ? Promise.reject(this.failure) : Promise.resolve(this.released);
  }

  /** What it was asked to make again, and what it answers. */
  republished: Finding[] = [];
  findingAnswer: FindingAnswer = 'taken';

  republish(finding: Finding): FindingAnswer {
    this.republished.push(finding);
    return this.findingAnswer;
  }

  resync(): void {
    this.resyncs += 1;
    this.rounds += 1;
  }
}

/** A check that found everything well, with whatever a test changes. */
export function fakeReport(change: Partial<CheckReport> = {}): CheckReport {
  return {
    ok: true,
    scope: 'node',
    node: 'swarm-node-1',
    startedMs: 0,
    durationMs: 412,
    nodes: [{ name: 'swarm-node-1', state: 'answered', message: '' }],
    networks: [],
    mismatches: [],
    unreached: [],
    failures: [],
    notes: [],
    ...change,
  };
}

/** A container that is as declared, with whatever a test changes. */
export function fakeObject(change: Partial<ObjectStatus> = {}): ObjectStatus {
  return {
    key: 'Container/nginx_web_1',
    kind: 'Container',
    name: 'nginx_web_1',
    mode: 'enforce',
    condition: { type: 'Ready', message: 'runs as declared', sinceMs: 0 },
    causes: [],
    history: [],
    ...change,
  };
}

/** What a server of the agent's is made of, but for where it listens. */
export function servedBy(agent: FakeAgent): ServerOptions {
  return {
    view: agent,
    control: agent,
    revisions: agent,
    switches: agent,
    suspensions: agent,
    metrics: { contentType: 'text/plain', render: () => Promise.resolve('') },
    check: (networks) => agent.check(networks),
    logger: silentLogger,
    clock: new FakeClock(),
  };
}
