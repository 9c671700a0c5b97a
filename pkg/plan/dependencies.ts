import { objectKey, type ObjectKey } from '../api/index.ts';
import { sortTopologically, type ContainerObject, type Dependency } from '../manifest/index.ts';
import type { ObservedContainer } from '../state/index.ts';
import type { ContainerOutcome } from './containers.ts';
import { ownedContainer, type PlanContext } from './context.ts';
import type { HolderFact } from './alias.ts';
import { namesOf } from './names.ts';
import { isUp, mayEnd } from './readiness.ts';

/** What is planned for one container of this node. */
export interface PlannedContainer {
  readonly object: ContainerObject;
  readonly outcome: ContainerOutcome;
}

/**
 * Holds back what starts a container until everything it depends on stands as it must. What starts in this very plan is waited for by its
 * lane, all else until a later plan sees it. A container that runs goes on running whatever becomes of the others, and is repaired; only a
 * new one in its place waits for those that are being started themselves.
 */
export function afterDependencies(
  context: PlanContext,
  planned: readonly PlannedContainer[],
): readonly PlannedContainer[] {
  const depending = planned.filter(({ object }) => object.spec.dependsOn.length > 0);
  if (depending.length === 0) return planned;
  const decided = new Map(planned.map((each) => [each.object.name, each]));
  const { order, knotted } = sortTopologically(
    depending.map(({ object }) => [object.name, object.spec.dependsOn.map(({ name }) => name)]),
  );
  for (const name of order) {
    const each = decided.get(name);
    if (each) decided.set(name, { ...each, outcome: ordered(context, each, decided) });
  }
  for (const name of knotted) {
    const each = decided.get(name);
    const message = 'its dependencies go round in a circle, so none of them can start: take one out';
    if (each && startsIt(each.outcome))
      decided.set(name, { ...each, outcome: waiting(each.outcome, message) });
  }
  return planned.map((each) => decided.get(each.object.name) ?? each);
}

type Answer =
  | { readonly type: 'met' }
  /** Started by this very plan. */
  | { readonly type: 'after'; readonly key: ObjectKey }
  | { readonly type: 'unmet'; readonly why: string };

const MET: Answer = { type: 'met' };

function ordered(
  context: PlanContext,
  { object, outcome }: PlannedContainer,
  decided: ReadonlyMap<string, PlannedContainer>,
): ContainerOutcome {
  if (!outcome.plan || !startsIt(outcome)) return outcome;
  const runs = namesOf(object.name).some((name) => {
    const container = context.containersByName.get(name);
    return container !== undefined && isUp(container);
  });
  const after: ObjectKey[] = [];
  for (const dependency of object.spec.dependsOn) {
    const answer = look(context, dependency, { planned: decided.get(dependency.name), runs });
    if (answer.type === 'unmet') return waiting(outcome, waitMessage(dependency, answer.why));
    if (answer.type === 'after') after.push(answer.key);
  }
  const [first] = object.spec.dependsOn.filter(({ name }) => after.includes(objectKey('Container', name)));
  if (!first) return outcome;
  const plan = { ...outcome.plan, waitsFor: [...outcome.plan.waitsFor, ...after] };
  return { ...waiting(outcome, waitMessage(first, 'it is being started')), plan };
}

/** An update that is undone waits for nobody. */
function startsIt({ plan }: ContainerOutcome): boolean {
  if (!plan || plan.givesUp) return false;
  return plan.steps.some(({ type }) => type === 'CreateContainer' || type === 'StartContainer');
}

function waitMessage({ name, condition }: Dependency, why: string): string {
  return `waits for Container ${name} to be ${condition === 'Healthy' ? 'healthy' : 'started'}: ${why}`;
}

function waiting({ verdict, ...rest }: ContainerOutcome, message: string): ContainerOutcome {
  const { condition, causes } = verdict;
  const { againMs, phase } = rest;
  return {
    verdict: { condition: { key: condition.key, type: 'Waiting', message }, causes },
    ...(againMs === undefined ? {} : { againMs }),
    ...(phase ? { phase } : {}),
  };
}

interface About {
  /** The dependency, where it is this node's. */
  readonly planned: PlannedContainer | undefined;
  /** The container that depends on it is up already. */
  readonly runs: boolean;
}

function look(context: PlanContext, dependency: Dependency, { planned, runs }: About): Answer {
  if (planned) return lookHere(context, dependency, { planned, runs });
  if (runs) return MET;
  const { name } = dependency;
  const isDeclared = context.input.revision.objects.has(objectKey('Container', name));
  if (isDeclared) return lookElsewhere(context, dependency);
  const found = context.containersByName.get(name);
  return found
    ? stands(dependency, found, found.state === 'exited' && found.details?.exitCode === 0)
    : unmet('no manifest declares it, and it is not on this node');
}

function lookHere(
  context: PlanContext,
  dependency: Dependency,
  { planned: { object, outcome }, runs }: { planned: PlannedContainer; runs: boolean },
): Answer {
  if (outcome.plan && startsIt(outcome)) {
    if (dependency.condition === 'Started') return { type: 'after', key: object.key };
    return unmet('it is being started');
  }
  const found = context.containersByName.get(object.name);
  const own = found && (object.mode === 'ignore' || ownedContainer(context, found)) ? found : undefined;
  if (runs) return own?.health === 'starting' ? stands(dependency, own, false) : MET;
  const { type } = outcome.verdict.condition;
  if (!own) return unmet(`it is not there (${type})`);
  return stands(dependency, own, endedWell(object, own));
}

function endedWell(object: ContainerObject, { state, details }: ObservedContainer): boolean {
  return state === 'exited' && details?.started === true && details.exitCode === 0 && mayEnd(object);
}

function stands({ condition }: Dependency, { state, health }: ObservedContainer, hasEnded: boolean): Answer {
  if (condition === 'Started') return state === 'running' || hasEnded ? MET : unmet(`it is ${state}`);
  if (state !== 'running') return unmet(`it is ${state}`);
  return health === 'healthy' || health === 'none' ? MET : unmet(`its health is ${health}`);
}

function unmet(why: string): Answer {
  return { type: 'unmet', why };
}

/** Under this name agents tell each other how a container stands. No alias can have it. */
export function standingName(container: string): string {
  return `container/${container}`;
}

function lookElsewhere({ input }: PlanContext, { name, condition }: Dependency): Answer {
  const { cluster } = input;
  if (!cluster) {
    return unmet(
      'it belongs on another node, and without a coordinator nobody tells how it stands there: put both on one node, or set --coordinator',
    );
  }
  const facts = cluster.holders?.get(standingName(name));
  if (cluster.holders === undefined)
    return unmet('it is on another node, and the coordinator does not tell how it stands');
  const isMet = ({ has, standing }: HolderFact): boolean =>
    condition === 'Started' ? has : has && standing === 'ready';
  if (facts?.some(isMet)) return MET;
  const [fact] = facts ?? [];
  return unmet(fact ? `on ${fact.node} it is ${fact.standing}` : 'no other node has it so far');
}
