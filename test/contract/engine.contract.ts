import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { describeContainers } from './containers.contract.ts';
import { describeEndpoints } from './endpoints.contract.ts';
import { describeNetworks } from './networks.contract.ts';
import { describeObserving } from './observing.contract.ts';
import { Stage } from './stage.ts';
import type { ContractSubject } from './subject.ts';

export type { ContractSubject } from './subject.ts';

/**
 * The promises of the port `Engine`, for any engine but a Swarm worker. What real daemons and the simulated one both keep, the
 * reconciler may rely on. `setup` is called once; everything made is removed again.
 */
export function describeEngineContract(
  name: string,
  setup: () => Promise<ContractSubject>,
  options: { readonly retry?: number } = {},
): void {
  describe(`engine contract: ${name}`, options, () => {
    let current: Stage | undefined;
    const stage = (): Stage => {
      if (current === undefined) throw new Error('the engine did not start');
      return current;
    };
    beforeAll(async () => {
      current = await Stage.open(await setup());
    });
    afterEach(() => current?.clear());
    afterAll(() => current?.subject.dispose());

    describeObserving(stage);
    describeNetworks(stage);
    describeContainers(stage);
    describeEndpoints(stage);
  });
}
