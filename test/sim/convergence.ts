import { objectKey, readOwnership } from '../../pkg/api/index.ts';
import { checkConstraints, literalNode } from '../../pkg/constraint/index.ts';
import type { ContainerObject, NetworkObject } from '../../pkg/manifest/index.ts';
import type { ContainerRecord } from '../../pkg/reconcile/simulated/index.ts';
import { normaliseAliases } from '../../pkg/state/index.ts';
import { INHERITED } from './foreign.ts';
import type { Machine } from './machine.ts';
import type { AgentProcess } from './process.ts';
import { liveThroughOutage } from './outage.ts';
import type { Simulation } from './simulation.ts';

const LOOK_EVERY_MS = 5_000;
/** The longest pause of an object that kept being broken, and the longest back-off after it. */
const PATIENCE_MS = 900_000;
const QUIET_MS = 180_000;
/** Of the seeds. */
const OUTAGE_SHARE = 0.25;

/** After the last fault everything becomes as declared, and stays so without a further call. */
export class Convergence {
  readonly #sim: Simulation;
  readonly #pass: (ms: number) => Promise<void>;

  constructor(sim: Simulation, pass: (ms: number) => Promise<void>) {
    this.#sim = sim;
    this.#pass = pass;
  }

  async run(): Promise<void> {
    await this.#settle();
    await this.#stayQuiet('as declared');
    if (!this.#sim.isCluster || !this.#sim.dice.chance(OUTAGE_SHARE)) return;
    await liveThroughOutage(this.#sim, this.#pass);
    await this.#settle();
    await this.#stayQuiet('as declared again');
  }

  async #settle(): Promise<void> {
    const sim = this.#sim;
    const startMs = sim.queue.nowMs;
    let wrong = ['not looked yet'];
    while (wrong.length > 0) {
      if (sim.queue.nowMs - startMs > PATIENCE_MS) {
        sim.break(
          'convergence',
          `${PATIENCE_MS / 1000} s after the last fault: ${wrong.slice(0, 8).join('; ')}`,
        );
      }
      await this.#pass(LOOK_EVERY_MS);
      for (const { process } of sim.machines) void process?.reconciler.confirmPrune().catch(() => undefined);
      wrong = this.#differences();
    }
    sim.trace.tell('sim', `converged after ${(sim.queue.nowMs - startMs) / 1000} s`);
  }

  async #stayQuiet(when: string): Promise<void> {
    const sim = this.#sim;
    const { changes, tree } = sim.checker;
    // What the leader only says, such as why something has no place, may change until everybody away is given up.
    await this.#pass(QUIET_MS / 2);
    const { commits } = tree;
    await this.#pass(QUIET_MS / 2);
    if (tree.commits > commits)
      sim.break('zero actions', `${tree.commits - commits} commits although all is ${when}`);
    if (sim.checker.changes > changes) {
      sim.break('zero actions', `${sim.checker.changes - changes} calls although all is ${when}`);
      await this.#pass(0);
    }
    sim.checker.checkForeign();
    const wrong = this.#differences();
    if (wrong.length > 0) sim.break('convergence', `not any more: ${wrong.join('; ')}`);
    await this.#pass(1);
  }

  /** Everything that is not as the newest manifests say. */
  #differences(): string[] {
    const { machines, checker } = this.#sim;
    const objects = [...(checker.newest?.objects.values() ?? [])];
    const containers = objects.filter((object) => object.kind === 'Container');
    const networks = objects.filter((object) => object.kind === 'Network');
    return [
      ...containers.flatMap((container) => this.#container(container)),
      ...networks.flatMap((network) => this.#network(network)),
      ...machines.flatMap((machine) => this.#leftovers(machine)),
      ...machines.flatMap(({ name, process }) =>
        saysConverged(process) ? [] : [`${name} does not say that it has converged`],
      ),
    ];
  }

  /** Machines that are to run it; undefined where nobody can tell. */
  #homes(container: ContainerObject): readonly Machine[] | string {
    const { machines, checker, isCluster } = this.#sim;
    const { nodeConstraint } = container.spec;
    const fitting = machines.filter(
      (machine) => checkConstraints(nodeConstraint, machine.facts().node).matches,
    );
    if (!isCluster || literalNode(nodeConstraint) !== undefined) return fitting;
    const bound = checker.tree.boundTo(container.name);
    if (fitting.length === 0) return bound.length === 0 ? [] : `${container.name} fits nowhere but is bound`;
    const [home] = fitting.filter(({ name }) => bound.includes(name));
    return home ? [home] : `${container.name} is bound to ${bound.join() || 'no node'}, which does not fit`;
  }

  #container(object: ContainerObject): string[] {
    const homes = this.#homes(object);
    if (typeof homes === 'string') return [homes];
    return this.#sim.machines.flatMap((machine) => {
      const found = [...machine.host.containers.values()].filter(
        ({ labels }) => labels['ovr.cluster'] === 'sim' && labels['ovr.name'] === object.name,
      );
      const own = found.filter(({ name }) => name !== INHERITED);
      const where = `${object.name} on ${machine.name}`;
      if (!homes.includes(machine)) return own.map(({ name }) => `${where}: ${name} does not belong there`);
      const [only, ...more] = own;
      if (!only || more.length > 0) return [`${where}: ${own.length} containers`];
      return this.#running(machine, object, only).map((problem) => `${where}: ${problem}`);
    });
  }

  #running(machine: Machine, object: ContainerObject, container: ContainerRecord): string[] {
    const isFailedUpdate = machine.process?.condition(object.key) === 'UpdateFailed';
    const isOld = readOwnership(container.labels)?.specHash !== object.specHash;
    const wanted = (object.spec.networks ?? []).map(({ name }) => name).sort();
    const attached = [...container.endpoints.values()].filter((endpoint) => endpoint.isAttached);
    const names = attached
      .map((endpoint) => nameOf(machine, endpoint))
      .filter((name) => name !== 'none')
      .sort();
    return [
      ...(container.name === object.name ? [] : [`is named ${container.name}`]),
      ...(container.state === 'running' ? [] : [container.state]),
      ...(isOld && !isFailedUpdate ? ['has an old spec'] : []),
      ...(isFailedUpdate || names.join() === wanted.join()
        ? []
        : [`is on [${names.join()}], not [${wanted.join()}]`]),
      ...(isFailedUpdate ? [] : this.#endpoints(machine, object, container)),
    ];
  }

  #endpoints(machine: Machine, object: ContainerObject, container: ContainerRecord): string[] {
    return (object.spec.networks ?? []).flatMap(({ name, aliases }) => {
      const endpoint = [...container.endpoints.values()].find((one) => nameOf(machine, one) === name);
      if (!endpoint) return [];
      const [network] = networksOf(machine, name);
      const has = normaliseAliases(endpoint.aliases, container).join();
      const wants = normaliseAliases(aliases, container).join();
      return [
        ...(endpoint.networkId === network?.id ? [] : [`is on another ${name}`]),
        ...(has === wants ? [] : [`has aliases [${has}] on ${name}, not [${wants}]`]),
      ];
    });
  }

  #network(object: NetworkObject): string[] {
    return this.#sim.machines.flatMap((machine) => {
      const found = networksOf(machine, object.name);
      return found.length === 1 ? [] : [`${machine.name} has ${found.length} networks ${object.name}`];
    });
  }

  /** What is ours and not declared. */
  #leftovers(machine: Machine): string[] {
    const objects = this.#sim.checker.newest?.objects;
    const containers = [...machine.host.containers.values()].filter(({ labels, name }) => {
      const owner = readOwnership(labels);
      return (
        owner?.cluster === 'sim' && name !== INHERITED && !objects?.has(objectKey('Container', owner.name))
      );
    });
    const networks = [...machine.host.networks, ...machine.host.world.shared].filter(
      ({ labels, name }) =>
        readOwnership(labels)?.cluster === 'sim' && !objects?.has(objectKey('Network', name)),
    );
    return [...containers, ...networks].map(({ name }) => `${name} is left over on ${machine.name}`);
  }
}

function networksOf(machine: Machine, name: string): { readonly id: string }[] {
  return [...machine.host.networks, ...machine.host.world.shared].filter((network) => network.name === name);
}

/** An endpoint that was asked for by ID on a host that did not list the network goes by that ID. */
function nameOf(
  machine: Machine,
  { networkId, networkName }: { networkId: string; networkName: string },
): string {
  const all = [...machine.host.networks, ...machine.host.world.shared];
  return all.find(({ id }) => id === networkId)?.name ?? networkName;
}

/** An update that somebody broke while it was proven has failed until its manifest changes, and only for that an agent may say no. */
function saysConverged(process: AgentProcess | undefined): boolean {
  const status = process?.reconciler.status();
  if (!status || status.converged) return status !== undefined;
  const types = new Set(status.objects.map(({ condition }) => condition.type));
  const isElseFine = [
    'Progressing',
    'Drifted',
    'Degraded',
    'Waiting',
    'Stalled',
    'Failed',
    'PruneHeld',
  ].every((type) => ![...types].some((found) => found === type));
  return types.has('UpdateFailed') && isElseFine && status.working.length === 0;
}
