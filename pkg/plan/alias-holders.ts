import { objectKey, type Selector } from '../api/index.ts';
import { aliasCandidates, type AliasObject, type ContainerObject } from '../manifest/index.ts';
import type { ObservedContainer } from '../state/index.ts';
import { withHolders } from './alias-outcome.ts';
import type { AliasView, HolderFact, Standing } from './alias.ts';
import { ownedContainer, type PlanContext } from './context.ts';

/** One container of this node, as one alias sees it. */
export interface LocalHolder {
  readonly object: ContainerObject;
  readonly current?: ObservedContainer;
  /** The alias chooses it. */
  readonly isChosen: boolean;
  /** The name is in its endpoint's configuration, whether it runs or not. */
  readonly isConfigured: boolean;
  readonly fact: HolderFact;
}

/** Everything that is known about the holders of one alias. */
export interface Holders {
  readonly alias: AliasObject;
  /** In force: the manifest's, or what a person switched to. */
  readonly selector: Selector;
  readonly isSwitched: boolean;
  /** Names of all containers that it chooses, on whatever node. */
  readonly chosen: ReadonlySet<string>;
  /** On this node: chosen ones, those that have the name though they are not, and those that a switch may choose. */
  readonly local: readonly LocalHolder[];
  /** On this and other nodes, sorted by container and node. Of the other nodes as far as known. */
  readonly facts: readonly HolderFact[];
  /** Whether `facts` has all that other nodes know. */
  readonly isComplete: boolean;
  /** Chosen containers that belong on other nodes, where nobody tells of other nodes. */
  readonly unseen: readonly string[];
}

/**
 * Looks at one alias.
 * @param here containers that belong on this node
 */
export function findHolders(
  context: PlanContext,
  alias: AliasObject,
  here: readonly ContainerObject[],
): Holders {
  const { revision, switched: selectors, cluster, observed } = context.input;
  const switched = selectors?.get(alias.name);
  const selector = switched ?? alias.spec.selector;
  const containers = [...revision.objects.values()].filter((object) => object.kind === 'Container');
  const { holders } = aliasCandidates({ network: alias.spec.network, selector }, containers);
  const chosen = new Set(holders.map(({ name }) => name));
  const local = here
    .map((object) => look(context, alias, { object, isChosen: chosen.has(object.name) }))
    .filter(({ object, isChosen, isConfigured }) => isChosen || isConfigured || mayBeChosen(object, alias));
  const node = observed.engine.node.name;
  const elsewhere = (cluster?.holders?.get(alias.name) ?? []).filter((fact) => fact.node !== node);
  const seen = new Set(local.map(({ object }) => object.name));
  return {
    alias,
    selector,
    isSwitched: switched !== undefined,
    chosen,
    local,
    facts: [...local.map(({ fact }) => fact), ...elsewhere].sort(byContainer),
    isComplete: !cluster || cluster.holders !== undefined,
    unseen: cluster ? [] : [...chosen].filter((name) => !seen.has(name)),
  };
}

/** Whether other values of the selector's labels would choose it: others must know how it stands before somebody switches to it. */
function mayBeChosen({ labels, spec }: ContainerObject, alias: AliasObject): boolean {
  const isAttached = spec.networks?.some(({ name }) => name === alias.spec.network) ?? false;
  return isAttached && Object.keys(alias.spec.selector).every((label) => labels[label] !== undefined);
}

function byContainer(a: HolderFact, b: HolderFact): number {
  const [left, right] = [`${a.container} ${a.node}`, `${b.container} ${b.node}`];
  return left < right ? -1 : Number(left > right);
}

function look(
  context: PlanContext,
  alias: AliasObject,
  { object, isChosen }: { object: ContainerObject; isChosen: boolean },
): LocalHolder {
  const found = context.containersByName.get(object.name);
  const current = found && ownedContainer(context, found)?.name === object.name ? found : undefined;
  const isConfigured = current !== undefined && hasName(context, object, { alias, current });
  const has = isConfigured && current.state === 'running' && isAttached(current, alias.spec.network);
  return {
    object,
    ...(current ? { current } : {}),
    isChosen,
    isConfigured,
    fact: {
      container: object.name,
      node: context.input.observed.engine.node.name,
      has,
      standing: standingOf(alias, current),
    },
  };
}

function isAttached(container: ObservedContainer, network: string): boolean {
  return container.endpoints.some(({ networkName }) => networkName === network);
}

/** While the engine does not tell, as a container is being worked on, what was last known counts. */
function hasName(
  context: PlanContext,
  object: ContainerObject,
  { alias: { spec }, current }: { alias: AliasObject; current: ObservedContainer },
): boolean {
  if (!current.details) {
    const given = context.input.memory.applied.get(object.key)?.given?.[spec.network];
    return given?.includes(spec.dnsName) ?? false;
  }
  const { aliases } = current.details;
  return current.endpoints
    .filter(({ networkName }) => networkName === spec.network)
    .some(({ networkId, networkName }) =>
      (aliases.get(networkId) ?? aliases.get(networkName) ?? []).includes(spec.dnsName),
    );
}

function standingOf({ spec }: AliasObject, container: ObservedContainer | undefined): Standing {
  if (container?.state !== 'running') return 'down';
  if (spec.readiness === 'Running') return 'ready';
  const { health } = container;
  return health === 'healthy' || health === 'none' ? 'ready' : health;
}

/** The same, without what only this node's decision needs. */
export function viewOf({ alias, selector, isSwitched, chosen, facts, isComplete }: Holders): AliasView {
  const { dnsName, network, readiness } = alias.spec;
  const about = { name: alias.name, dnsName, network, selector, readiness, isSwitched, isComplete };
  return withHolders({ ...about, chosen: [...chosen].sort() }, facts);
}

/** Aliases of the revision, in order of their names. */
export function aliasesOf(context: PlanContext): AliasObject[] {
  return [...context.input.revision.objects.values()]
    .filter((object) => object.kind === 'Alias')
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Whether some alias may be declared that the revision does not have: then no name goes just because none declares it. */
export function mayLackAliases({ input }: PlanContext): boolean {
  if (input.doubt !== undefined) return true;
  return [...input.revision.undecided].some((key) => key.startsWith(objectKey('Alias', '')));
}
