import { compareStrings, type Cause, type ObjectKey, type Reason } from '../api/index.ts';
import type { AliasObject, ContainerObject } from '../manifest/index.ts';
import { decideAlias, type AliasDecision, type NameDecision } from './alias-decision.ts';
import { aliasesOf, findHolders, mayLackAliases, viewOf, type Holders } from './alias-holders.ts';
import type { AliasView, Succession } from './alias.ts';
import { aliasCondition } from './alias-outcome.ts';
import { showList, type PlanContext } from './context.ts';
import type { Verdict } from './result.ts';

/** Names that aliases give one container, sorted, by network. */
export type GivenNames = Readonly<Record<string, readonly string[]>>;

export interface AliasesPlan {
  readonly verdicts: readonly Verdict[];
  readonly views: readonly AliasView[];
  /** For every container that belongs here and has names from aliases, or may have had some. */
  readonly given: ReadonlyMap<ObjectKey, GivenNames>;
  /** Why a container gains or loses a name, by container, network and name. */
  readonly reasons: ReadonlyMap<string, Reason>;
  readonly successions: ReadonlyMap<ObjectKey, Succession>;
  readonly recheckAfterMs?: number;
}

/** Decides who on this node holds which alias now. */
export function planAliases(context: PlanContext, here: readonly ContainerObject[]): AliasesPlan {
  const given = new Names();
  const reasons = new Map<string, Reason>();
  const successions = new Map<ObjectKey, Succession>();
  const views: AliasView[] = [];
  const verdicts: Verdict[] = [];
  const waits: number[] = [];
  for (const alias of aliasesOf(context)) {
    const holders = findHolders(context, alias, here);
    const decision = decide(context, holders);
    for (const name of decision.names) note(given, reasons, { alias, name, isActing: acts(context, alias) });
    if (decision.succession) successions.set(alias.key, decision.succession);
    if (decision.waitMs !== undefined) waits.push(decision.waitMs);
    const view = viewOf(holders);
    const causes = causesOf(alias, decision.names);
    const isMoving = causes.length > 0 || decision.succession !== undefined;
    const condition = aliasCondition(view, { isHere: holders.local.length > 0, isMoving });
    views.push(view);
    verdicts.push(withMode(context, alias, { condition: { key: alias.key, ...condition }, causes }));
  }
  if (mayLackAliases(context)) keepOrphans(context, here, given);
  return {
    verdicts,
    views,
    given: given.all(),
    reasons,
    successions,
    ...(waits.length > 0 ? { recheckAfterMs: Math.min(...waits) } : {}),
  };
}

/** The container with the names that aliases give it, as if its manifest had them. */
export function withGivenNames(object: ContainerObject, given: GivenNames | undefined): ContainerObject {
  const { networks } = object.spec;
  if (!given || !networks) return object;
  const attachments = networks.map((attachment) => {
    const names = given[attachment.name] ?? [];
    if (names.length === 0) return attachment;
    const aliases = [...new Set([...attachment.aliases, ...names])].sort(compareStrings);
    return { ...attachment, aliases };
  });
  return { ...object, spec: { ...object.spec, networks: attachments } };
}

/** Key of `AliasesPlan.reasons`. */
export function nameKey(container: string, network: string, dnsName: string): string {
  return `${container} ${network} ${dnsName}`;
}

function decide(context: PlanContext, holders: Holders): AliasDecision {
  const { memory, nowMs, observed } = context.input;
  const before = memory.successions?.get(holders.alias.key);
  return decideAlias(holders, before, { nowMs, engine: observed.engine.kind });
}

/** An agent that only observes plans the moves all the same, to show them; a single alias in that mode stays as it is. */
function acts(context: PlanContext, { mode }: AliasObject): boolean {
  return mode === 'enforce' || (mode === 'observe' && context.input.settings.mode === 'observe');
}

function note(
  given: Names,
  reasons: Map<string, Reason>,
  { alias, name, isActing }: { alias: AliasObject; name: NameDecision; isActing: boolean },
): void {
  const { object, isConfigured } = name.holder;
  const { network, dnsName } = alias.spec;
  const isGiven = isActing ? name.isWanted : isConfigured;
  given.put(object.key, network, isGiven ? dnsName : undefined);
  if (isGiven !== isConfigured) reasons.set(nameKey(object.name, network, dnsName), name.reason);
}

function causesOf({ spec }: AliasObject, names: readonly NameDecision[]): Cause[] {
  return names
    .filter(({ holder, isWanted }) => holder.current !== undefined && holder.isConfigured !== isWanted)
    .map(({ holder, isWanted, reason }): Cause => {
      const [without, withName] = [showList([]), showList([spec.dnsName])];
      return {
        reason,
        drift: false,
        field: `holders[${holder.object.name}]`,
        observed: isWanted ? without : withName,
        desired: isWanted ? withName : without,
      };
    });
}

function withMode(context: PlanContext, alias: AliasObject, verdict: Verdict): Verdict {
  const { key } = alias;
  if (alias.mode === 'ignore')
    return { condition: { key, type: 'Ignored', message: 'annotation ovr/mode: ignore' }, causes: [] };
  const isWatched = alias.mode === 'observe' || context.input.settings.mode === 'observe';
  if (!isWatched || verdict.causes.length === 0) return verdict;
  const message = 'other containers should hold it, and it is only observed';
  return { ...verdict, condition: { key, type: 'Drifted', message } };
}

/** What an alias gave before and none declares now may belong to one that could not be read. */
function keepOrphans(context: PlanContext, here: readonly ContainerObject[], given: Names): void {
  const declared = new Set(aliasesOf(context).map(({ spec }) => `${spec.network} ${spec.dnsName}`));
  for (const { key } of here) {
    const before = context.input.memory.applied.get(key)?.given ?? {};
    const names = Object.entries(before).flatMap(([network, list]) =>
      list.map((name) => ({ network, name })),
    );
    for (const { network, name } of names) {
      if (!declared.has(`${network} ${name}`)) given.put(key, network, name);
    }
  }
}

class Names {
  readonly #byContainer = new Map<ObjectKey, Map<string, Set<string>>>();

  /** Without a name: the container is known to have none so far. */
  put(container: ObjectKey, network: string, name: string | undefined): void {
    const networks = this.#byContainer.get(container) ?? new Map<string, Set<string>>();
    this.#byContainer.set(container, networks);
    if (name === undefined) return;
    networks.set(network, (networks.get(network) ?? new Set()).add(name));
  }

  all(): Map<ObjectKey, GivenNames> {
    return new Map(
      [...this.#byContainer].map(([key, networks]) => [
        key,
        Object.fromEntries(
          [...networks].map(([network, names]) => [network, [...names].sort(compareStrings)]),
        ),
      ]),
    );
  }
}
