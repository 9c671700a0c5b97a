import type { ErrandNetwork, Knowledge, MappedNetwork } from './errand.ts';
import type { Findings, NetworkFindings } from './findings.ts';
import type { CheckReport } from './report.ts';

/** Everything that a check has gathered. */
export interface Gathered {
  readonly node: string;
  readonly scope: CheckReport['scope'];
  readonly wanted: readonly string[];
  readonly startedMs: number;
  readonly durationMs: number;
  /** What was there when the nodes were sent out. */
  readonly before: Knowledge;
  /** What was there when they were back: whatever changed meanwhile is held against nobody. */
  readonly after: Knowledge;
  /** What each node found out, or why it did not. */
  readonly findings: ReadonlyMap<string, Findings | { readonly problem: string }>;
  /** Nodes that did not even tell their census, and why. */
  readonly silent: ReadonlyMap<string, string>;
}

/** The nodes' findings, held against what was there all the time. */
export interface Evidence {
  readonly gathered: Gathered;
  readonly networks: readonly MappedNetwork[];
  /** What must be there, by node and network ID. */
  readonly must: ReadonlyMap<string, ReadonlyMap<string, ErrandNetwork>>;
}

/** What a node found out on a network. */
export function findingsOn({ gathered }: Evidence, node: string, id: string): NetworkFindings | undefined {
  const findings = gathered.findings.get(node);
  if (!findings || 'problem' in findings) return undefined;
  return findings.networks.find((network) => network.id === id);
}
