import type { Selector } from '../api/index.ts';
import type { Readiness } from '../manifest/index.ts';

/** How fit a container is to hold a name, best first. */
export const STANDINGS = ['ready', 'starting', 'unhealthy', 'down'] as const;
export type Standing = (typeof STANDINGS)[number];

/** What is known of one container and one alias: one that the alias chooses, or one that has the name for now. */
export interface HolderFact {
  readonly container: string;
  readonly node: string;
  /** The name leads to it now. */
  readonly has: boolean;
  readonly standing: Standing;
}

/** Since when an alias's new holders all have the name; for the overlap. */
export interface Succession {
  /** Who they are: another set begins anew. */
  readonly heirs: string;
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
}

/** How one alias stands, for people and for the other nodes. */
export interface AliasView {
  /** Of the object. */
  readonly name: string;
  readonly dnsName: string;
  readonly network: string;
  /** In force. */
  readonly selector: Selector;
  readonly readiness: Readiness;
  /** A person put that selector in the place of the manifest's. */
  readonly isSwitched: boolean;
  /** Names of the containers that the selector chooses. */
  readonly chosen: readonly string[];
  /** Chosen containers and those that have the name, on all nodes as far as known. */
  readonly holders: readonly HolderFact[];
  /** Whether other nodes' holders are known. */
  readonly isComplete: boolean;
  /** The name leads to all containers that are chosen and ready, and to no other. */
  readonly isSettled: boolean;
}
