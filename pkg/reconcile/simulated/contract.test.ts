import { FakeClock } from '../../api/index.ts';
import type { ContainerSpec } from '../../manifest/index.ts';
import { type ContractSubject, describeEngineContract } from '../../../test/contract/engine.contract.ts';
import { type Program, SimulatedWorld, type Topology } from './index.ts';

const IMAGE = 'busybox:latest';

/** What a shell would make of the commands that the contract runs. */
function program({ command = [] }: ContainerSpec): Program | undefined {
  const line = command.join(' ');
  if (line === 'no-such-program') return { startError: 'executable file not found', exitCode: 127 };
  const exit = /^sh -c exit (\d+)$/.exec(line);
  return exit === null ? undefined : { exitAfterMs: 10, exitCode: Number(exit[1]) };
}

function now<Result>(act: () => Result): Promise<Result> {
  return Promise.resolve(act());
}

function subject(topology: Topology): ContractSubject {
  const clock = new FakeClock();
  const world = new SimulatedWorld({
    ...{ clock, topology, programs: program, images: [IMAGE], pullable: [] },
    hosts: topology === 'single' ? 1 : 3,
  });
  const { engine, hand, containers } = world.host();
  return {
    engine,
    imageName: IMAGE,
    hand: {
      runContainer: (name, labels) => now(() => hand.runContainer(name, { labels })),
      connect: (container, network, aliases) => now(() => hand.connect(container, network, { aliases })),
      disconnect: (container, network) => now(() => hand.disconnect(container, network)),
      stop: (container) => now(() => hand.stop(container)),
      pause: (container) => now(() => hand.pause(container)),
      remove: (container) => now(() => hand.remove(container)),
      env: (name) => now(() => [...containers.values()].find((one) => one.name === name)?.env ?? []),
    },
    wait: (ms) => clock.advanceAsync(ms),
    dispose: () => Promise.resolve(),
  };
}

for (const topology of ['single', 'cluster-store', 'swarm'] as const) {
  describeEngineContract(`simulated, ${topology}`, () => Promise.resolve(subject(topology)));
}
