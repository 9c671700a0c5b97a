import { CONDITIONS, KINDS, splitKey, type ConditionType, type Kind } from '../api/index.ts';
import type { AgentStatus } from '../reconcile/index.ts';

/** More would cost a time-series database more than they tell a reader. */
const MAX_DRIFT_SERIES = 1000;

interface ObjectCount {
  readonly labels: { readonly kind: Kind; readonly condition: ConditionType };
  readonly value: number;
}

/** Objects by kind and condition, with the zeros. */
export function countObjects({ objects }: AgentStatus): ObjectCount[] {
  const counts = new Map<string, number>();
  for (const { kind, condition } of objects) {
    const key = `${kind} ${condition.type}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return KINDS.flatMap((kind) =>
    CONDITIONS.map((condition) => ({
      labels: { kind, condition },
      value: counts.get(`${kind} ${condition}`) ?? 0,
    })),
  );
}

interface DriftSeries {
  readonly shown: readonly { labels: { kind: string; name: string; field: string }; value: number }[];
  readonly omitted: number;
}

/** One series for each field of each object that drifts, up to a limit. */
export function driftSeries({ objects }: AgentStatus): DriftSeries {
  const all = objects.flatMap(({ key, causes }) => {
    const { kind, name } = splitKey(key);
    const fields = new Set(causes.filter(({ drift }) => drift).map(({ field }) => field));
    return [...fields].map((field) => ({ labels: { kind, name, field }, value: 1 }));
  });
  return { shown: all.slice(0, MAX_DRIFT_SERIES), omitted: Math.max(0, all.length - MAX_DRIFT_SERIES) };
}

interface AliasCount {
  readonly labels: { readonly alias: string; readonly network: string };
  readonly value: number;
}

/** How many running containers hold each alias on each network. */
export function aliasHolders({ objects, aliases }: AgentStatus): AliasCount[] {
  const holders = new Map<string, AliasCount>();
  // A declared alias that nobody here holds is worth a 0 where its containers are: it can raise an alert.
  for (const { dnsName: alias, network, holders: known } of aliases) {
    if (known.length > 0) holders.set(`${network} ${alias}`, { labels: { alias, network }, value: 0 });
  }
  for (const { observed } of objects) {
    if (observed?.state !== 'running') continue;
    for (const { network, aliases } of observed.endpoints ?? []) {
      for (const alias of aliases) {
        const key = `${network} ${alias}`;
        const known = holders.get(key) ?? { labels: { alias, network }, value: 0 };
        holders.set(key, { ...known, value: known.value + 1 });
      }
    }
  }
  return [...holders.values()];
}

interface AddressCount {
  readonly labels: {
    readonly network: string;
    readonly scope: 'local' | 'shared';
    readonly state: 'used' | 'total';
  };
  readonly value: number;
}

/** Two series for each network whose addresses are known. */
export function networkAddresses({ objects }: AgentStatus): AddressCount[] {
  return objects.flatMap(({ kind, name: network, observed }): AddressCount[] => {
    if (kind !== 'Network' || !observed?.addresses) return [];
    const scope = observed.scope === 'local' ? 'local' : 'shared';
    const { used, total } = observed.addresses;
    return [
      { labels: { network, scope, state: 'used' }, value: used },
      { labels: { network, scope, state: 'total' }, value: total },
    ];
  });
}
