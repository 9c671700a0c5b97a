import type { IncomingMessage } from 'node:http';

import { splitKey, type ObjectKey } from '../api/index.ts';
import type { CheckReport } from '../check/index.ts';
import type {
  AgentEvent,
  AgentStatus,
  ClusterView,
  PlannedChange,
  ReleaseResult,
  ResumeResult,
  RevisionDiff,
  RevisionHistory,
  RollbackRequest,
  RollbackResult,
  SuspendRequest,
  SuspendResult,
  SuspensionTarget,
  SwitchRequest,
  SwitchResult,
} from '../reconcile/index.ts';
import { ClientError, connectionError } from './client-error.ts';
import { HEARTBEAT_MS } from './followers.ts';
import type { SyncResult } from './git-services.ts';
import type { Republished } from './republish-route.ts';
import {
  ask,
  isRecord,
  open,
  parseAnswer,
  readText,
  targetOf,
  timeout,
  type AgentAddress,
} from './exchange.ts';

interface RepublishRequest {
  readonly container: string;
  /** Absent: on all its networks. */
  readonly network?: string | undefined;
  readonly anotherAddress?: boolean | undefined;
  readonly who: string;
}

/** Asks a running agent. Every call has a deadline; every failure is a ClientError whose message is for the user. */
export interface AgentClient {
  /** Where it asks, as errors show it. */
  readonly target: string;
  status(): Promise<AgentStatus>;
  /** The whole cluster. Refused where the coordinator does not answer. */
  cluster(): Promise<ClusterView>;
  /** Events with an ID above `afterId`, oldest first. */
  events(afterId: number): Promise<readonly AgentEvent[]>;
  /** Hands over events as they come. Ends when the signal does; fails when the agent goes away. */
  follow(afterId: number, signal: AbortSignal, listener: (event: AgentEvent) => void): Promise<void>;
  diff(): Promise<readonly PlannedChange[]>;
  /** Of these networks, or of all. It takes as long as the slowest node. */
  check(networks: readonly string[]): Promise<CheckReport>;
  /** Returns the keys whose removal goes ahead. */
  confirmPrune(): Promise<readonly ObjectKey[]>;
  resync(): Promise<void>;
  /** Asks the Git remote; answers once what was pushed before is in force or refused. */
  sync(): Promise<SyncResult>;
  history(): Promise<RevisionHistory>;
  /** Two revisions, each by the beginning of its digest; without one, the revision before the current one, or the current one. */
  compare(from: string | undefined, to: string | undefined): Promise<RevisionDiff>;
  rollback(request: RollbackRequest): Promise<RollbackResult>;
  resume(): Promise<ResumeResult>;
  /** Makes endpoints of a container again. */
  republish(request: RepublishRequest): Promise<Republished>;
  switchAlias(request: SwitchRequest): Promise<SwitchResult>;
  /** Undefined where nothing was switched. */
  switchBack(alias: string): Promise<SwitchResult | undefined>;
  suspend(request: SuspendRequest): Promise<SuspendResult>;
  /** Ends the suspension of an object, or every suspension. */
  release(target: SuspensionTarget): Promise<ReleaseResult>;
}

interface Deadlines {
  readonly answerMs: number;
  /** A diff waits for the engine. */
  readonly diffMs: number;
  /** The whole cluster is read from a coordinator that may not answer. */
  readonly clusterMs: number;
  /** All nodes work on a check, one after the other where several are asked for. */
  readonly checkMs: number;
  /** A sync waits for a remote. */
  readonly syncMs: number;
  /** Longest silence of a stream. */
  readonly silenceMs: number;
}

const DEADLINES: Deadlines = {
  answerMs: 10_000,
  diffMs: 60_000,
  clusterMs: 30_000,
  checkMs: 180_000,
  syncMs: 300_000,
  silenceMs: 3 * HEARTBEAT_MS,
};

/** A client of the agent at an address. Connects only when asked. */
export function createClient(address: AgentAddress, deadlines: Partial<Deadlines> = {}): AgentClient {
  return new HttpClient(address, { ...DEADLINES, ...deadlines });
}

class HttpClient implements AgentClient {
  readonly target: string;
  readonly #address: AgentAddress;
  readonly #deadlines: Deadlines;

  constructor(address: AgentAddress, deadlines: Deadlines) {
    this.target = targetOf(address);
    this.#address = address;
    this.#deadlines = deadlines;
  }

  async status(): Promise<AgentStatus> {
    const body = await this.#get('/v1/status');
    const lists =
      isRecord(body) && ['objects', 'sources', 'holds'].every((name) => Array.isArray(body[name]));
    const parts = isRecord(body) && [body['engine'], body['prune'], body['coordinator']].every(isRecord);
    if (!lists || !parts) throw this.#foreign();
    return body as unknown as AgentStatus;
  }

  async cluster(): Promise<ClusterView> {
    const body = await ask(this.#address, { path: '/v1/cluster', deadlineMs: this.#deadlines.clusterMs });
    const lists = ['nodes', 'containers', 'networks'];
    const isView = isRecord(body) && lists.every((name) => Array.isArray(body[name]));
    if (!isView || !isRecord(body['coordinator'])) throw this.#foreign();
    return body as unknown as ClusterView;
  }

  async events(afterId: number): Promise<readonly AgentEvent[]> {
    return this.#list(await this.#get(`/v1/events?after=${afterId}`), 'events') as readonly AgentEvent[];
  }

  async diff(): Promise<readonly PlannedChange[]> {
    const body = await ask(this.#address, { path: '/v1/diff', deadlineMs: this.#deadlines.diffMs });
    return this.#list(body, 'changes') as readonly PlannedChange[];
  }

  async check(networks: readonly string[]): Promise<CheckReport> {
    const query = new URLSearchParams(networks.map((network) => ['network', network])).toString();
    const path = query === '' ? '/v1/check' : `/v1/check?${query}`;
    const body = await ask(this.#address, { path, deadlineMs: this.#deadlines.checkMs });
    const lists = ['nodes', 'networks', 'mismatches', 'failures', 'notes'];
    if (!isRecord(body) || !lists.every((name) => Array.isArray(body[name]))) throw this.#foreign();
    return body as unknown as CheckReport;
  }

  async confirmPrune(): Promise<readonly ObjectKey[]> {
    return this.#list(await this.#post('/v1/prune/confirm'), 'confirmed') as readonly ObjectKey[];
  }

  async resync(): Promise<void> {
    await this.#post('/v1/resync');
  }

  async sync(): Promise<SyncResult> {
    const { syncMs: deadlineMs } = this.#deadlines;
    const body = await ask(this.#address, { method: 'POST', path: '/v1/sync', deadlineMs });
    if (!isRecord(body) || !isRecord(body['source']) || !Array.isArray(body['diagnostics'])) {
      throw this.#foreign();
    }
    return body as unknown as SyncResult;
  }

  async history(): Promise<RevisionHistory> {
    const body = await this.#get('/v1/history');
    this.#list(body, 'revisions');
    return body as RevisionHistory;
  }

  async compare(from: string | undefined, to: string | undefined): Promise<RevisionDiff> {
    const query = new URLSearchParams();
    if (from !== undefined) query.set('from', from);
    if (to !== undefined) query.set('to', to);
    const body = await this.#get(`/v1/revisions/diff?${query.toString()}`);
    this.#list(body, 'differences');
    return body as RevisionDiff;
  }

  async rollback(request: RollbackRequest): Promise<RollbackResult> {
    const body = await this.#post('/v1/rollback', request);
    if (!isRecord(body) || !isRecord(body['hold']) || !isRecord(body['revision'])) throw this.#foreign();
    return body as unknown as RollbackResult;
  }

  async resume(): Promise<ResumeResult> {
    const body = await this.#post('/v1/resume');
    if (!isRecord(body)) throw this.#foreign();
    return body;
  }

  async republish(request: RepublishRequest): Promise<Republished> {
    const body = await this.#post('/v1/republish', request);
    this.#list(body, 'endpoints');
    return body as Republished;
  }

  async switchAlias(request: SwitchRequest): Promise<SwitchResult> {
    const body = await this.#post('/v1/switch', request);
    if (!isSwitchResult(body)) throw this.#foreign();
    return body;
  }

  async switchBack(alias: string): Promise<SwitchResult | undefined> {
    const body = await this.#post('/v1/switch/back', { alias });
    const switched = isRecord(body) ? body['switched'] : undefined;
    if (switched === null) return undefined;
    if (!isSwitchResult(switched)) throw this.#foreign();
    return switched;
  }

  async suspend({ target, ...rest }: SuspendRequest): Promise<SuspendResult> {
    const body = await this.#post('/v1/suspend', { ...namedOf(target), ...rest });
    if (!isRecord(body) || !isRecord(body['hold'])) throw this.#foreign();
    return body as unknown as SuspendResult;
  }

  async release(target: SuspensionTarget): Promise<ReleaseResult> {
    const body = await this.#post('/v1/suspend/release', namedOf(target));
    this.#list(body, 'released');
    return body as ReleaseResult;
  }

  async follow(afterId: number, signal: AbortSignal, listener: (event: AgentEvent) => void): Promise<void> {
    try {
      const response = await this.#openStream(afterId, signal);
      await readEvents(response, listener);
    } catch (error) {
      if (signal.aborted) return;
      throw error instanceof ClientError ? error : connectionError(this.target, error);
    }
    if (!signal.aborted)
      throw new ClientError('broken', `ovrd at ${this.target} has stopped: run it and follow again`);
  }

  async #openStream(afterId: number, signal: AbortSignal): Promise<IncomingMessage> {
    const { answerMs, silenceMs } = this.#deadlines;
    const path = `/v1/events?follow=true&after=${afterId}`;
    const head = new AbortController();
    const timer = setTimeout(() => head.abort(), answerMs);
    try {
      const response = await open(this.#address, { path }, AbortSignal.any([signal, head.signal]));
      if (response.statusCode !== 200) parseAnswer(this.target, response, await readText(response));
      response.setTimeout(silenceMs, () => response.destroy(timeout(this.target, silenceMs)));
      return response;
    } catch (error) {
      throw head.signal.aborted ? timeout(this.target, answerMs) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  #get(path: string): Promise<unknown> {
    return ask(this.#address, { path, deadlineMs: this.#deadlines.answerMs });
  }

  #post(path: string, content?: object): Promise<unknown> {
    const { answerMs: deadlineMs } = this.#deadlines;
    return ask(this.#address, { method: 'POST', path, deadlineMs, ...(content ? { body: content } : {}) });
  }

  #list(body: unknown, name: string): readonly unknown[] {
    const list = isRecord(body) ? body[name] : undefined;
    if (!Array.isArray(list)) throw this.#foreign();
    return list;
  }

  #foreign(): ClientError {
    return new ClientError(
      'broken',
      `${this.target} answered something that is not ovrd's: check the address and that both have one version`,
    );
  }
}

function namedOf(target: SuspensionTarget): object {
  return target === 'all' ? { all: true } : splitKey(target);
}

function isSwitchResult(value: unknown): value is SwitchResult {
  return isRecord(value) && isRecord(value['selector']) && Array.isArray(value['chosen']);
}

/** Splits the stream into lines; an empty line is a sign of life. */
async function readEvents(response: IncomingMessage, listener: (event: AgentEvent) => void): Promise<void> {
  let rest = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines.filter((text) => text !== '')) {
      const event: unknown = JSON.parse(line);
      if (isRecord(event) && typeof event['id'] === 'number') listener(event as unknown as AgentEvent);
    }
  }
}
