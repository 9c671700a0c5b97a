import {
  compareStrings,
  objectKey,
  OvrError,
  showSelector,
  type Clock,
  type Selector,
} from '../api/index.ts';
import { aliasCandidates, type AliasObject, type ContainerObject, type Revision } from '../manifest/index.ts';
import { activeHolds, readSwitch, switchedAlias, switchId, type Hold, type HoldStore } from './holds.ts';
import type { ClusterAlias } from './status.ts';
import { refuseSuspended } from './suspensions.ts';

/** What a person asks for: labels to put into an alias's selector, or to take out of it (null). */
export interface SwitchRequest {
  readonly alias: string;
  readonly labels: Readonly<Record<string, string | null>>;
  /** Absent: until it is switched back. */
  readonly forMs?: number | undefined;
  readonly note?: string | undefined;
  /** Switch also where nobody is ready to take the name over. */
  readonly force?: boolean | undefined;
  readonly who: string;
}

/** What is in force from now on. */
export interface SwitchResult {
  readonly alias: string;
  readonly selector: Selector;
  /** Names of the containers that it chooses. */
  readonly chosen: readonly string[];
  readonly untilMs?: number;
}

/** Moves aliases by hand. Both fail with an OvrError that says why not. */
export interface SwitchControl {
  switchAlias(request: SwitchRequest): Promise<SwitchResult>;
  /** Ends what switchAlias began; undefined where nothing was switched. */
  switchBack(alias: string): Promise<SwitchResult | undefined>;
}

export interface SwitchDeps {
  readonly holds: HoldStore;
  readonly clock: Clock;
  readonly revision: () => Revision | undefined;
  /** All aliases with their holders on all nodes, as far as can be known; asked for each switch. */
  readonly aliases: () => Promise<readonly ClusterAlias[]>;
}

/** Selectors that holds put in force, by name of the Alias. What cannot be read is no selector. */
export function switchedSelectors(holds: readonly Hold[], nowMs: number): Map<string, Selector> {
  return new Map(
    activeHolds(holds, nowMs).flatMap((hold) => {
      const alias = switchedAlias(hold);
      const selector = alias === undefined ? undefined : readSwitch(hold);
      return alias !== undefined && selector ? [[alias, selector] as const] : [];
    }),
  );
}

/** Keeps a hold for each alias that was switched by hand. */
export class Switches implements SwitchControl {
  readonly #deps: SwitchDeps;

  constructor(deps: SwitchDeps) {
    this.#deps = deps;
  }

  async switchAlias(request: SwitchRequest): Promise<SwitchResult> {
    const { clock, holds } = this.#deps;
    const { alias, containers } = this.#declared(request.alias);
    const selector = merge(alias.spec.selector, request.labels);
    const { holders } = aliasCandidates({ network: alias.spec.network, selector }, containers);
    if (!request.force) await this.#refuseWithoutHeirs(alias, selector, holders);
    const nowMs = clock.now();
    const until = request.forMs === undefined ? {} : { untilMs: nowMs + request.forMs };
    await holds.put({
      id: switchId(alias.name),
      who: request.who,
      whenMs: nowMs,
      ...until,
      ...(request.note === undefined ? {} : { note: request.note }),
      what: JSON.stringify({ selector }),
    });
    return { alias: alias.name, selector, chosen: namesOf(holders), ...until };
  }

  async switchBack(name: string): Promise<SwitchResult | undefined> {
    const { holds } = this.#deps;
    const isHeld = holds.list().some(({ id }) => id === switchId(name));
    if (!isHeld) {
      this.#declared(name);
      return undefined;
    }
    await holds.release(switchId(name));
    const alias = this.#find(name);
    if (!alias) return { alias: name, selector: {}, chosen: [] };
    const { holders } = aliasCandidates(alias.spec, this.#containers());
    return { alias: name, selector: alias.spec.selector, chosen: namesOf(holders) };
  }

  #find(name: string): AliasObject | undefined {
    const object = this.#deps.revision()?.objects.get(objectKey('Alias', name));
    return object?.kind === 'Alias' ? object : undefined;
  }

  #containers(): ContainerObject[] {
    return [...(this.#deps.revision()?.objects.values() ?? [])].filter(
      (object) => object.kind === 'Container',
    );
  }

  #declared(name: string): { alias: AliasObject; containers: ContainerObject[] } {
    const alias = this.#find(name);
    if (!alias) throw refusal(`there is no Alias ${name}: ovr get aliases lists them`);
    if (alias.mode !== 'enforce')
      throw refusal(
        `the mode of Alias ${name} is ${alias.mode}, so nothing would move: change ovr/mode first`,
      );
    refuseSuspended(activeHolds(this.#deps.holds.list(), this.#deps.clock.now()), alias.key);
    return { alias, containers: this.#containers() };
  }

  async #refuseWithoutHeirs(
    { name, spec }: AliasObject,
    selector: Selector,
    holders: readonly ContainerObject[],
  ): Promise<void> {
    const labels = showSelector(selector);
    if (holders.length === 0) {
      throw refusal(
        `no container on network ${spec.network} has the labels ${labels}, so the name would stay where it is; with --force the switch waits for one`,
      );
    }
    const known = (await this.#deps.aliases()).find((alias) => alias.name === name);
    const heirs = new Set(namesOf(holders));
    const facts = (known?.holders ?? []).filter(({ container }) => heirs.has(container));
    if (facts.some(({ standing }) => standing === 'ready')) return;
    const told = new Map(facts.map(({ container, standing }) => [container, standing]));
    const states = [...heirs].map((heir) => `${heir} is ${told.get(heir) ?? 'not known to be there'}`);
    throw refusal(
      `no container with ${labels} is ready to take the name over (${states.join(', ')}); with --force the switch waits for one`,
    );
  }
}

function merge(selector: Selector, labels: SwitchRequest['labels']): Selector {
  const merged = { ...selector, ...labels };
  const kept = Object.entries(merged).flatMap(([label, value]) =>
    value === null ? [] : [[label, value] as const],
  );
  if (kept.length === 0)
    throw refusal('an empty selector would choose every container; name a label at least');
  return Object.fromEntries(kept.sort(([a], [b]) => compareStrings(a, b)));
}

function namesOf(containers: readonly ContainerObject[]): string[] {
  return containers.map(({ name }) => name).sort(compareStrings);
}

function refusal(message: string): OvrError {
  return new OvrError('invalid-request', 'invalid', message);
}
