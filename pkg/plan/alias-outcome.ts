import { showSelector, type Condition, type ConditionType } from '../api/index.ts';
import type { AliasView, HolderFact } from './alias.ts';

/** What this node does about an alias. */
interface OwnPart {
  /** Containers of it are here. */
  readonly isHere: boolean;
  /** One of them gains or loses the name. */
  readonly isMoving: boolean;
}

/** An alias with what is known of its holders. */
export function withHolders(
  about: Omit<AliasView, 'holders' | 'isSettled'>,
  holders: readonly HolderFact[],
): AliasView {
  const isRight = ({ container, has, standing }: HolderFact): boolean =>
    has === (about.chosen.includes(container) && standing === 'ready');
  return { ...about, holders, isSettled: holders.some(({ has }) => has) && holders.every(isRight) };
}

/** How an alias stands; absent `own`: as the whole cluster sees it. */
export function aliasCondition(view: AliasView, own?: OwnPart): Pick<Condition, 'type' | 'message'> {
  const [type, message] = judge(view, own);
  const switched = view.isSwitched ? ` (switched by hand to ${showSelector(view.selector)})` : '';
  return { type, message: `${message}${switched}` };
}

/** The first that fits. */
function judge(view: AliasView, own?: OwnPart): readonly [ConditionType, string] {
  const { holders, chosen, dnsName } = view;
  const having = holders.filter(({ has }) => has);
  if (chosen.length === 0) return ['Degraded', nobodyChosen(view, having)];
  if (view.isSettled) return ['Ready', `${dnsName} leads to ${showFacts(having)}`];
  if (own?.isHere === false) return ['NotHere', 'none of its containers is on this node'];
  const ready = holders.filter(
    ({ container, standing }) => chosen.includes(container) && standing === 'ready',
  );
  if (ready.length === 0) return ['Degraded', nobodyReady(view, having)];
  const lacking = ready.filter(({ has }) => !has);
  if (own?.isMoving || lacking.length === 0) return ['Progressing', `moves to ${showFacts(ready)}`];
  return ['Progressing', `waits for ${showFacts(lacking)} to have the name`];
}

function nobodyChosen({ selector, network }: AliasView, having: readonly HolderFact[]): string {
  return `no container on network ${network} has the labels ${showSelector(selector)}: ${kept(having)}; label a container, or change the selector`;
}

function nobodyReady({ readiness, holders, chosen }: AliasView, having: readonly HolderFact[]): string {
  const wanted = readiness === 'Healthy' ? 'healthy' : 'running';
  const states = holders
    .filter(({ container }) => chosen.includes(container))
    .map(({ container, standing }) => `${container} is ${standing}`)
    .join(', ');
  return `no chosen container is ${wanted} (${states || 'none is there'}): ${kept(having)}`;
}

function kept(having: readonly HolderFact[]): string {
  return having.length > 0 ? `${showFacts(having)} kept the name` : 'the name leads nowhere';
}

function showFacts(facts: readonly HolderFact[]): string {
  return facts.map(({ container, node }) => `${container} (${node})`).join(', ');
}
