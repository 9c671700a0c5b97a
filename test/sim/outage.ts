import { literalNode } from '../../pkg/constraint/index.ts';
import type { ContainerRecord, EngineCall } from '../../pkg/reconcile/simulated/index.ts';
import type { Machine } from './machine.ts';
import { mayMove } from './copies.ts';
import type { Simulation } from './simulation.ts';

const OUTAGE_MS = 600_000;
const REPAIR_MS = 60_000;

/**
 * Fail static: the coordinator is gone for ten minutes and comes back. Whatever may not move is not touched by that, also not where an agent
 * restarts meanwhile; what somebody breaks is still repaired.
 */
export async function liveThroughOutage(sim: Simulation, pass: (ms: number) => Promise<void>): Promise<void> {
  const { dice, coordinator, checker } = sim;
  sim.trace.tell('sim', 'the coordinator is gone');
  if (dice.chance(0.5)) coordinator.freeze();
  else coordinator.stop();
  checker.onCall = (call, machine) => checkCall(sim, call, machine);
  await pass(OUTAGE_MS / 3);
  const machine = dice.pick(sim.machines);
  machine.process?.kill('while the coordinator is gone');
  await pass(1_000);
  sim.boot(machine);
  await pass(OUTAGE_MS / 3);
  checker.onCall = undefined;
  await repair(sim, pass);
  checker.onCall = (call, where) => checkCall(sim, call, where);
  await pass(OUTAGE_MS / 3);
  sim.trace.tell('sim', 'the coordinator is back');
  coordinator.thaw();
  coordinator.start();
  await pass(REPAIR_MS);
  checker.onCall = undefined;
}

/** Only what may move stops, and starts again; nothing is made or removed. */
function checkCall(sim: Simulation, call: EngineCall, machine: Machine): void {
  const container = machine.host.containers.get(String(call.args[0]));
  const isForGood = call.operation === 'removeContainer' || call.operation === 'createContainer';
  if (container && !isForGood && mayMove(sim.checker.newest, container.name)) return;
  const subject = container?.name ?? JSON.stringify(call.args[0]);
  sim.break('fail static', `${call.operation} ${subject} on ${machine.name} while the coordinator is gone`);
}

async function repair(sim: Simulation, pass: (ms: number) => Promise<void>): Promise<void> {
  const machine = sim.dice.pick(sim.machines);
  const container = [...machine.host.containers.values()].find((one) => isFixed(sim, one));
  if (!container) return;
  const { name } = container;
  sim.checker.byHand(() => machine.host.hand.remove(container.id));
  await pass(REPAIR_MS);
  const isBack = [...machine.host.containers.values()].some(
    (other) => other.name === name && other.state === 'running',
  );
  if (!isBack) sim.break('fail static', `${name} on ${machine.name} was removed and is not made again`);
}

function isFixed(sim: Simulation, { name }: ContainerRecord): boolean {
  const object = sim.checker.newest?.objects.get(`Container/${name}`);
  return object?.kind === 'Container' && literalNode(object.spec.nodeConstraint) !== undefined;
}
