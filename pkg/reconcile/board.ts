import { splitKey, type Condition, type Mode, type ObjectKey } from '../api/index.ts';
import type { ManifestObject } from '../manifest/index.ts';
import { countAddresses, heldAddresses, type Verdict } from '../plan/index.ts';
import type { ObservedContainer, ObservedNetwork, ObservedState } from '../state/index.ts';
import type { ActionRecord, HealRecord, ObjectStatus, ObservedSummary } from './status.ts';

const HISTORY_LENGTH = 20;

interface Entry {
  condition: Condition;
  sinceMs: number;
  verdict: Verdict;
  nextTryMs?: number;
}

/** What is known of every object after a round: condition with its age, causes, history. */
export class Board {
  readonly #entries = new Map<ObjectKey, Entry>();
  readonly #history = new Map<ObjectKey, ActionRecord[]>();
  readonly #heals = new Map<ObjectKey, HealRecord[]>();

  record(record: ActionRecord): void {
    const history = this.#history.get(record.key) ?? [];
    this.#history.set(record.key, [...history, record].slice(-HISTORY_LENGTH));
  }

  heal(record: HealRecord): void {
    const heals = this.#heals.get(record.key) ?? [];
    this.#heals.set(record.key, [...heals, record].slice(-HISTORY_LENGTH));
  }

  /** Takes an object's new condition; returns whether its type changed. */
  update(verdict: Verdict, condition: Condition, at: { nowMs: number; nextTryMs?: number }): boolean {
    const { key } = condition;
    const known = this.#entries.get(key);
    const isNew = known?.condition.type !== condition.type;
    const sinceMs = isNew ? at.nowMs : known.sinceMs;
    const nextTry = at.nextTryMs === undefined ? {} : { nextTryMs: at.nextTryMs };
    this.#entries.set(key, { condition, sinceMs, verdict, ...nextTry });
    return isNew;
  }

  /** Whether an object is declared or owned, as of the newest round. */
  readonly has = (key: ObjectKey): boolean => this.#entries.has(key);

  /** Forgets objects that are neither declared nor owned any more. */
  retain(keys: ReadonlySet<ObjectKey>): void {
    for (const key of this.#entries.keys()) if (!keys.has(key)) this.#entries.delete(key);
    for (const map of [this.#history, this.#heals]) {
      for (const key of map.keys()) if (!keys.has(key)) map.delete(key);
    }
  }

  /** All objects, sorted by key as the plan's verdicts are. */
  statuses(
    objects: ReadonlyMap<ObjectKey, ManifestObject>,
    observed: ObservedState | undefined,
  ): ObjectStatus[] {
    const networks = new Map(observed?.networks.map((network) => [network.name, network]));
    const containers = new Map(observed?.containers.map((container) => [container.name, container]));
    const held = heldAddresses(observed?.containers ?? []);
    return [...this.#entries].map(([key, entry]) => {
      const { kind, name } = splitKey(key);
      const summaries = {
        Network: () => summariseNetwork(networks.get(name), held),
        Container: () => summariseContainer(containers.get(name)),
        Alias: () => undefined,
      };
      return this.#status(key, entry, { object: objects.get(key), summary: summaries[kind]() });
    });
  }

  #status(
    key: ObjectKey,
    entry: Entry,
    about: { object: ManifestObject | undefined; summary: ObservedSummary | undefined },
  ): ObjectStatus {
    const { kind, name } = splitKey(key);
    const { object, summary } = about;
    const mode: Mode = object?.mode ?? 'enforce';
    const { type, message } = entry.condition;
    const heals = this.#heals.get(key);
    return {
      key,
      kind,
      name,
      mode,
      condition: { type, message, sinceMs: entry.sinceMs },
      causes: entry.verdict.causes,
      history: this.#history.get(key) ?? [],
      ...(heals ? { heals } : {}),
      ...(entry.nextTryMs === undefined ? {} : { nextTryMs: entry.nextTryMs }),
      ...(object ? { origin: { file: object.origin.file, line: object.origin.line } } : {}),
      ...(summary ? { observed: summary } : {}),
    };
  }
}

function summariseNetwork(
  network: ObservedNetwork | undefined,
  held: ReadonlyMap<string, number>,
): ObservedSummary | undefined {
  if (!network) return undefined;
  const addresses = countAddresses(network, held.get(network.id) ?? 0);
  const { id, createdAtMs, driver, scope } = network;
  const subnets = network.subnets.map(({ subnet }) => subnet);
  return { id, createdAtMs, driver, scope, subnets, ...(addresses ? { addresses } : {}) };
}

function summariseContainer(container: ObservedContainer | undefined): ObservedSummary | undefined {
  if (!container) return undefined;
  const { id, createdAtMs, image, state, health, details } = container;
  const endpoints = container.endpoints.map(({ networkId, networkName, ipv4Address }) => ({
    network: networkName,
    ipv4Address,
    aliases: details?.aliases.get(networkId) ?? details?.aliases.get(networkName) ?? [],
  }));
  return { id, createdAtMs, image, state, health, endpoints };
}
