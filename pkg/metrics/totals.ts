import { Counter, type Registry } from 'prom-client';

import type { AgentStatus, CoordinatorStatus } from '../reconcile/index.ts';

interface Total<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly label: string;
  /** All values of the label; they count from 0. */
  readonly values: readonly L[];
  readonly read: (coordinator: CoordinatorStatus) => Readonly<Record<L, number>>;
}

/** Counters that the status keeps: they are copied when somebody asks. */
export function registerTotals(registry: Registry, newest: () => AgentStatus | undefined): void {
  const add = <L extends string>({ name, help, label, values, read }: Total<L>): void => {
    new Counter({
      name,
      help,
      labelNames: [label],
      registers: [registry],
      collect() {
        this.reset();
        const status = newest();
        const totals = status && read(status.coordinator);
        for (const value of values) this.inc({ [label]: value }, totals?.[value] ?? 0);
      },
    });
  };
  add({
    name: 'ovr_coordinator_sessions_lost_total',
    help: 'Sessions with the coordinator that ended or broke off.',
    label: 'how',
    values: ['expired', 'disconnected'],
    read: ({ sessions }) => sessions,
  });
  add({
    name: 'ovr_leader_writes_total',
    help: 'Writes of this agent as the leader.',
    label: 'result',
    values: ['ok', 'refused'],
    read: ({ leaderWrites }) => leaderWrites,
  });
}
