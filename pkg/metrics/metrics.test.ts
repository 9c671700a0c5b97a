import { readFile } from 'node:fs/promises';
import { beforeEach, describe, expect, it } from 'vitest';

import { PLAYBOOKS, REASONS, type Cause } from '../api/index.ts';
import { ACTION_TYPES } from '../plan/index.ts';
import { ALONE_STATUS, type ActionRecord, type AgentStatus, type ObjectStatus } from '../reconcile/index.ts';
import { USUAL_CAUSES } from './known.ts';
import { createMetrics, type Metrics } from './metrics.ts';

const aliasDrift: Cause = {
  reason: 'AliasesDiffer',
  drift: true,
  field: 'networks[ovr0].aliases',
  observed: '[]',
  desired: '[nginx]',
};

function object(change: Partial<ObjectStatus>): ObjectStatus {
  return {
    key: 'Container/web',
    kind: 'Container',
    name: 'web',
    mode: 'enforce',
    condition: { type: 'Ready', message: '', sinceMs: 0 },
    causes: [],
    history: [],
    ...change,
  };
}

function status(change: Partial<AgentStatus>): AgentStatus {
  return {
    version: '1.2.3',
    cluster: 'default',
    node: 'n1',
    mode: 'enforce',
    startedMs: 0,
    engine: { up: true, message: '' },
    coordinator: ALONE_STATUS,
    sources: [],
    diagnostics: [],
    prune: { held: false, reason: '', keys: [] },
    holds: [],
    converged: true,
    working: [],
    objects: [],
    aliases: [],
    ...change,
  };
}

function record(change: Partial<ActionRecord>): ActionRecord {
  return {
    timeMs: 0,
    key: 'Container/web',
    action: 'ConnectEndpoint',
    cause: aliasDrift,
    result: 'ok',
    durationMs: 5,
    ...change,
  };
}

const SHARED = [
  'ovr_coordinator_info',
  'ovr_coordinator_connected',
  'ovr_coordinator_sessions',
  'ovr_leader ',
  'ovr_leader_epoch',
  'ovr_leader_writes',
  'ovr_members',
  'ovr_bound',
  'ovr_unplaced',
  'ovr_lease',
  'ovr_agents',
];

let metrics: Metrics;
beforeEach(() => {
  metrics = createMetrics({ git: ['git-auth', 'git-unsigned'] });
});

async function lines(prefix: string): Promise<string[]> {
  const text = await metrics.render();
  return text.split('\n').filter((line) => line.startsWith(prefix));
}

describe('createMetrics', () => {
  it('counts from 0 what is known beforehand', async () => {
    expect(await lines('ovr_actions_total{action="UnpauseContainer"')).toEqual([
      'ovr_actions_total{action="UnpauseContainer",cause="Paused",result="ok"} 0',
      'ovr_actions_total{action="UnpauseContainer",cause="Paused",result="already-so"} 0',
      'ovr_actions_total{action="UnpauseContainer",cause="Paused",result="failed"} 0',
    ]);
    expect(await lines('ovr_drift_detected_total{kind="Container",field="networks.aliases"}')).toEqual([
      'ovr_drift_detected_total{kind="Container",field="networks.aliases"} 0',
    ]);
    expect(await lines('ovr_reconcile_duration_seconds_count')).toEqual([
      'ovr_reconcile_duration_seconds_count{result="ok"} 0',
      'ovr_reconcile_duration_seconds_count{result="failed"} 0',
    ]);
    expect(await lines('ovr_repair_duration_seconds_count')).toHaveLength(2);
    expect(await lines('ovr_engine_up')).toEqual(['ovr_engine_up 0']);
    expect(await lines('ovr_drift{')).toEqual([]);
  });

  it('has some usual cause for every action, and no more series than a host is worth', async () => {
    for (const action of ACTION_TYPES) expect(USUAL_CAUSES[action].length).toBeGreaterThan(0);
    expect(REASONS).toEqual(expect.arrayContaining(Object.values(USUAL_CAUSES).flat()));
    expect((await lines('ovr_')).length).toBeLessThan(380);
  });

  it('counts actions, drift and durations', async () => {
    metrics.observer.actionFinished(record({}));
    metrics.observer.actionFinished(record({ result: 'failed' }));
    metrics.observer.driftDetected('Container', 'networks.aliases');
    metrics.observer.roundFinished(20, 'ok');
    metrics.observer.repaired('Container/web', 40);
    metrics.observer.healed('restore-aliases');
    expect(await lines('ovr_heal_total')).toEqual(
      PLAYBOOKS.map(
        (playbook) => `ovr_heal_total{playbook="${playbook}"} ${Number(playbook === 'restore-aliases')}`,
      ),
    );
    expect(await lines('ovr_actions_total{action="ConnectEndpoint",cause="AliasesDiffer"')).toEqual([
      'ovr_actions_total{action="ConnectEndpoint",cause="AliasesDiffer",result="ok"} 1',
      'ovr_actions_total{action="ConnectEndpoint",cause="AliasesDiffer",result="already-so"} 0',
      'ovr_actions_total{action="ConnectEndpoint",cause="AliasesDiffer",result="failed"} 1',
    ]);
    expect(await lines('ovr_drift_detected_total{kind="Container",field="networks.aliases"}')).toEqual([
      'ovr_drift_detected_total{kind="Container",field="networks.aliases"} 1',
    ]);
    expect(await lines('ovr_reconcile_duration_seconds_sum{result="ok"}')).toEqual([
      'ovr_reconcile_duration_seconds_sum{result="ok"} 0.02',
    ]);
    expect(await lines('ovr_repair_duration_seconds_sum{kind="Container"}')).toEqual([
      'ovr_repair_duration_seconds_sum{kind="Container"} 0.04',
    ]);
  });

  it('shows a drift only while it lasts', async () => {
    const declared: Cause = { ...aliasDrift, drift: false, field: 'restartPolicy' };
    const drifted = object({ causes: [aliasDrift, declared] });
    metrics.observer.statusChanged(status({ objects: [drifted] }));
    expect(await lines('ovr_drift{')).toEqual([
      'ovr_drift{kind="Container",name="web",field="networks[ovr0].aliases"} 1',
    ]);
    metrics.observer.statusChanged(status({ objects: [object({})] }));
    expect(await lines('ovr_drift{')).toEqual([]);
  });

  it('shows at most a thousand drifts and says how many it leaves out', async () => {
    const objects = Array.from({ length: 1003 }, (_, index) =>
      object({ key: `Container/c${index}`, name: `c${index}`, causes: [aliasDrift] }),
    );
    metrics.observer.statusChanged(status({ objects }));
    expect(await lines('ovr_drift{')).toHaveLength(1000);
    expect(await lines('ovr_drift_omitted')).toEqual(['ovr_drift_omitted 3']);
  });

  it('counts objects by condition, with the zeros', async () => {
    metrics.observer.statusChanged(status({ objects: [object({}), object({})] }));
    expect(await lines('ovr_objects{kind="Container",condition="Ready"}')).toEqual([
      'ovr_objects{kind="Container",condition="Ready"} 2',
    ]);
    expect(await lines('ovr_objects{kind="Network",condition="Stalled"}')).toEqual([
      'ovr_objects{kind="Network",condition="Stalled"} 0',
    ]);
  });

  it('shows how many addresses networks have and this node uses', async () => {
    const observed = { id: 'n', createdAtMs: 0, scope: 'swarm', addresses: { used: 3, total: 253 } };
    const net = { key: 'Network/ovr0', kind: 'Network', name: 'ovr0', observed } as const;
    const bare = { key: 'Network/bare', kind: 'Network', name: 'bare' } as const;
    metrics.observer.statusChanged(status({ objects: [object(net), object(bare)] }));
    expect(await lines('ovr_network_addresses')).toEqual([
      'ovr_network_addresses{network="ovr0",scope="shared",state="used"} 3',
      'ovr_network_addresses{network="ovr0",scope="shared",state="total"} 253',
    ]);
  });

  it('counts who holds an alias, running containers only', async () => {
    const endpoints = [{ network: 'ovr0', ipv4Address: '10.0.9.2', aliases: ['nginx', 'web'] }];
    const observed = { id: 'a', createdAtMs: 0, endpoints };
    const objects = ['running', 'running', 'exited'].map((state) =>
      object({ observed: { ...observed, state } }),
    );
    metrics.observer.statusChanged(status({ objects }));
    expect(await lines('ovr_alias_holders{')).toEqual([
      'ovr_alias_holders{alias="nginx",network="ovr0"} 2',
      'ovr_alias_holders{alias="web",network="ovr0"} 2',
    ]);
  });

  it('shows the state of sources and agent', async () => {
    const position = { file: 'a', line: 1, column: 1, message: '', code: 'x' };
    metrics.observer.statusChanged(
      status({
        mode: 'observe',
        revision: { digest: 'abc', objects: 2 },
        sources: [
          { name: 'dir:/etc/ovr.d', synced: true, lastSyncMs: 1_500 },
          { name: 'new', synced: false },
        ],
        diagnostics: [
          { severity: 'error', ...position },
          { severity: 'warning', ...position },
        ],
        prune: { held: true, reason: '', keys: [] },
      }),
    );
    const expected = [
      'ovr_source_revision_info{revision="abc"} 1',
      'ovr_source_last_sync_timestamp_seconds{source="dir:/etc/ovr.d"} 1.5',
      'ovr_manifest_errors 1',
      'ovr_engine_up 1',
      'ovr_prune_held 1',
      'ovr_mode{mode="enforce"} 0',
      'ovr_mode{mode="observe"} 1',
      'ovr_build_info{version="1.2.3"} 1',
    ];
    expect(await lines('ovr_')).toEqual(expect.arrayContaining(expected));
    expect(await lines('ovr_source_last_sync')).toHaveLength(1);
  });

  it('counts what people override, by kind and from 0', async () => {
    const hold = { who: 'ann', whenMs: 0, what: '{}', says: '', release: '' };
    metrics.observer.statusChanged(status({}));
    expect(await lines('ovr_hold_active')).toEqual([
      'ovr_hold_active{kind="rollback"} 0',
      'ovr_hold_active{kind="switch"} 0',
      'ovr_hold_active{kind="suspend"} 0',
    ]);
    const holds = ['a', 'b'].map((name) => ({ ...hold, id: `switch/${name}`, kind: 'switch' as const }));
    metrics.observer.statusChanged(status({ holds }));
    expect(await lines('ovr_hold_active')).toEqual([
      'ovr_hold_active{kind="rollback"} 0',
      'ovr_hold_active{kind="switch"} 2',
      'ovr_hold_active{kind="suspend"} 0',
    ]);
  });

  it('counts what is shared from 0', async () => {
    expect(await lines('ovr_coordinator_sessions_lost_total')).toEqual([
      'ovr_coordinator_sessions_lost_total{how="expired"} 0',
      'ovr_coordinator_sessions_lost_total{how="disconnected"} 0',
    ]);
    expect(await lines('ovr_leader_writes_total')).toHaveLength(2);
    expect(await lines('ovr_leader')).toContain('ovr_leader 0');
  });

  it('shows how the agent stands with the others', async () => {
    metrics.observer.statusChanged(
      status({
        coordinator: {
          kind: 'zookeeper',
          connected: true,
          message: 'connected',
          leader: 'n1',
          isLeader: true,
          epoch: 7,
          members: ['n1', 'n2', 'n3'],
          bound: 12,
          unplaced: 2,
          leaseHeld: true,
          sessions: { expired: 1, disconnected: 4 },
          leaderWrites: { ok: 9, refused: 1 },
          otherRevisions: ['n3'],
        },
      }),
    );
    const shown = (await Promise.all(SHARED.map(lines))).flat();
    expect(shown).toEqual([
      'ovr_coordinator_info{kind="zookeeper",cluster="default"} 1',
      'ovr_coordinator_connected 1',
      'ovr_coordinator_sessions_lost_total{how="expired"} 1',
      'ovr_coordinator_sessions_lost_total{how="disconnected"} 4',
      'ovr_leader 1',
      'ovr_leader_epoch 7',
      'ovr_leader_writes_total{result="ok"} 9',
      'ovr_leader_writes_total{result="refused"} 1',
      'ovr_members 3',
      'ovr_bound_containers 12',
      'ovr_unplaced_containers 2',
      'ovr_lease_held 1',
      'ovr_agents_other_revision 1',
    ]);
    // Asking again counts nothing twice.
    expect(await lines('ovr_leader_writes_total{result="ok"}')).toEqual([
      'ovr_leader_writes_total{result="ok"} 9',
    ]);
  });

  it('tells the commit that is applied and what keeps the newest from it', async () => {
    const commit = { commit: 'abc', author: 'Ann', timeMs: 0, subject: 'First' };
    const git = { name: 'git', synced: true, commit, attempted: { ...commit, commit: 'def' } };
    const sources = [{ name: '/etc/ovr.d', synced: true }, git];
    metrics.observer.statusChanged(status({ sources }));
    const zero = 'ovr_source_problem{source="git",problem="git-auth"} 0';
    expect(await lines('ovr_source_commit_info{')).toEqual([
      'ovr_source_commit_info{source="git",commit="abc"} 1',
    ]);
    expect(await lines('ovr_source_problem{')).toEqual([
      zero,
      'ovr_source_problem{source="git",problem="git-unsigned"} 0',
    ]);
    metrics.observer.statusChanged(status({ sources: [{ ...git, problem: 'git-unsigned' }] }));
    expect(await lines('ovr_source_problem{')).toEqual([
      zero,
      'ovr_source_problem{source="git",problem="git-unsigned"} 1',
    ]);
  });

  it('calls an agent alone neither leader nor cut off', async () => {
    metrics.observer.statusChanged(status({}));
    expect(await lines('ovr_coordinator_info')).toEqual([
      'ovr_coordinator_info{kind="local",cluster="default"} 1',
    ]);
    const shown = await Promise.all(
      ['ovr_coordinator_connected', 'ovr_leader ', 'ovr_lease_held'].map(lines),
    );
    expect(shown.flat()).toEqual(['ovr_coordinator_connected 1', 'ovr_leader 0', 'ovr_lease_held 1']);
  });

  it('keeps to itself: two agents in one process share nothing', async () => {
    createMetrics().observer.actionFinished(record({}));
    expect(
      await lines('ovr_actions_total{action="ConnectEndpoint",cause="AliasesDiffer",result="ok"}'),
    ).toEqual(['ovr_actions_total{action="ConnectEndpoint",cause="AliasesDiffer",result="ok"} 0']);
  });

  it('has the process metrics without those that would need sampling', async () => {
    expect(await lines('process_cpu_seconds_total')).toHaveLength(1);
    expect(await lines('nodejs_eventloop_lag_seconds')).toHaveLength(1);
    expect(await lines('nodejs_eventloop_lag_mean')).toEqual([]);
  });
});

describe('docs/metrics.md', () => {
  it('has exactly the metrics there are, with their types and labels', async () => {
    const endpoints = [{ network: 'ovr0', ipv4Address: '10.0.9.2', aliases: ['nginx'] }];
    const observed = { id: 'a', createdAtMs: 0, state: 'running', endpoints };
    const commit = { commit: 'abc', author: 'Ann', timeMs: 0, subject: 'First' };
    const sources = [{ name: 'git', synced: true, lastSyncMs: 1, commit }];
    const addresses = { used: 1, total: 253 };
    const net = { id: 'b', createdAtMs: 0, scope: 'swarm', addresses };
    const objects = [
      object({ causes: [aliasDrift], observed }),
      object({ key: 'Network/ovr0', kind: 'Network', name: 'ovr0', observed: net }),
    ];
    const pin = { revision: 'abc', who: 'ann', sinceMs: 0 };
    metrics.observer.statusChanged(
      status({
        ...{ objects, sources, pin, revision: { digest: 'abc', objects: 1 } },
        applied: { digest: 'abc', sinceMs: 0 },
      }),
    );
    const dns = { asked: 1, untried: 0, odd: [], omitted: 0 };
    const pings = (['mtu', 'ok'] as const).map((reach) => ({
      node: 'n2',
      address: '10.0.9.2',
      reach,
      rttMs: 1,
    }));
    metrics.probed({ networks: [{ id: 'a', name: 'ovr0', mtu: 1450, dns, pings }] }, 1);
    const text = await metrics.render();
    const page = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `(ovr_\w+)(?:\{([^}]*)\})?` \| (\w+) \|/gm)].map(
      ([, name = '', labels = '', type = '']) => ({ name, type, labels }),
    );
    const families = [...text.matchAll(/^# TYPE (ovr_\w+) (\w+)\n(?:ovr_\w+(?:\{(.*)\})? )?/gm)].map(
      ([, name = '', type = '', labels = '']) => ({ name, type, labels: labelNames(labels) }),
    );
    expect(rows.toSorted(byName)).toEqual(families.toSorted(byName));
  });
});

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}

/** Without the one that histograms add by themselves. */
function labelNames(labels: string): string {
  const names = [...labels.matchAll(/(\w+)="/g)].map(([, name]) => name);
  return names.filter((name) => name !== 'le').join(',');
}
