import { literalNode } from '../constraint/index.ts';
import type { Revision } from '../manifest/index.ts';
import type { Ledger } from './ledger.ts';

const NONE: ReadonlySet<string> = new Set();

/**
 * Containers that move on node failure and get their first binding under this revision. A node may run one all the same: it was pinned until
 * now, or the agents were each alone. Nodes are asked before it is placed, since it must not run twice.
 */
export function newcomers(revision: Revision, ledger: Ledger): ReadonlySet<string> {
  if (ledger.decision?.revision === revision.digest) return NONE;
  const known = new Set<string>();
  for (const { names, leaving } of ledger.nodes.values()) {
    for (const name of names) known.add(name);
    for (const name of leaving) known.add(name);
  }
  const found = new Set<string>();
  for (const object of revision.objects.values()) {
    if (object.kind !== 'Container' || object.spec.reschedule !== 'on-node-failure') continue;
    if (!known.has(object.name) && literalNode(object.spec.nodeConstraint) === undefined)
      found.add(object.name);
  }
  return found;
}
