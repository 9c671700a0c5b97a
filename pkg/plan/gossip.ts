import type { ObservedNetwork, UnjoinedHost } from '../state/index.ts';

/** Longer than a Swarm's managers take to see that a host is down: its neighbours notice first. */
const LASTS_MS = 25_000;
const MAX_NAMED = 3;

/** Hosts that an overlay's gossip has not joined. */
export type GossipGap =
  | { readonly message: string }
  /** It may be a start or an end that is on its way. */
  | { readonly recheckAfterMs: number };

/** What is wrong with an overlay whose hosts do not hear of each other; undefined where nothing is known to be. */
export function gossipGap({ unjoined = [] }: ObservedNetwork): GossipGap | undefined {
  const lasting = unjoined.filter(({ forMs }) => forMs >= LASTS_MS);
  if (lasting.length > 0) return { message: messageOf(lasting) };
  if (unjoined.length === 0) return undefined;
  return { recheckAfterMs: LASTS_MS - Math.max(...unjoined.map(({ forMs }) => forMs)) };
}

function messageOf(hosts: readonly UnjoinedHost[]): string {
  const shown = hosts
    .map(({ name, address }) => (address === '' ? name : `${name} (${address})`))
    .sort()
    .slice(0, MAX_NAMED);
  const more = hosts.length > MAX_NAMED ? ` and ${hosts.length - MAX_NAMED} more` : '';
  return (
    `the gossip has not joined: not in Peers, though containers run on it there: ${shown.join(', ')}${more}. ` +
    'Their names do not resolve here and traffic does not arrive. Docker tries again every 60 s; ' +
    'if it lasts, run `systemctl restart docker` there, workers first, one host after the other'
  );
}
