import { ownerLabels } from '../../pkg/api/index.ts';
import type { Machine } from './machine.ts';
import type { Simulation } from './simulation.ts';

/** A foreign container that carries our labels: what `docker commit` makes of one of ours. */
export const INHERITED = 'app1-debug';

/** Containers and networks that somebody else made: as they were, to the byte. */
export class ForeignCheck {
  readonly #sim: Simulation;
  readonly #names = new Set<string>();
  readonly #before = new Map<Machine, string>();

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  prepare(): void {
    for (const { name, host } of this.#sim.machines) {
      const { hand } = host;
      const labels = { cluster: 'sim', kind: 'Container', name: 'app1', specHash: 'x' };
      hand.createNetwork(`shop-${name}`);
      hand.runContainer('till', {
        network: `shop-${name}`,
        restartPolicy: { name: 'always', maximumRetryCount: 0 },
      });
      hand.runContainer(INHERITED, { labels: ownerLabels(labels) });
      hand.runContainer('neighbour', {
        labels: ownerLabels({ ...labels, cluster: 'other', name: 'neighbour' }),
      });
      for (const own of [`shop-${name}`, 'till', INHERITED, 'neighbour']) this.#names.add(own);
    }
    this.take();
  }

  /** From now on this is how they must be. */
  take(): void {
    for (const machine of this.#sim.machines) this.#before.set(machine, this.#look(machine));
  }

  check(one?: Machine): void {
    for (const machine of one ? [one] : this.#sim.machines) {
      if (this.#look(machine) === this.#before.get(machine)) continue;
      this.#sim.break('foreign objects untouched', `something foreign has changed on ${machine.name}`);
    }
  }

  #look({ host }: Machine): string {
    const containers = [...host.containers.values()].filter(({ name }) => this.#names.has(name));
    const networks = host.networks.filter(({ name }) => this.#names.has(name));
    return JSON.stringify([
      containers.map(({ endpoints, cancels, ...rest }) => [rest, [...endpoints], cancels.size]),
      networks.map(({ id, name, labels, options, subnets, stale }) => [
        id,
        name,
        labels,
        options,
        subnets,
        [...stale],
      ]),
    ]);
  }
}
