import { afterEach, beforeEach, describe } from 'vitest';
import { describeBreaks } from './store-breaks.contract.ts';
import { describeReading } from './store-reading.contract.ts';
import { describeSessions } from './store-sessions.contract.ts';
import { StoreStage } from './store-stage.ts';
import type { StoreSubject } from './store-subject.ts';
import { describeWriting } from './store-writing.contract.ts';

export type { StoreSubject } from './store-subject.ts';

/**
 * The promises of the port `CoordinationStore`. What a real ZooKeeper and the simulated one both keep, the cluster may rely on.
 * `makeSubject` is called for each test.
 */
export function storeContract(name: string, makeSubject: () => Promise<StoreSubject>): void {
  describe(`store contract: ${name}`, () => {
    let current: StoreStage | undefined;
    const stage = (): StoreStage => {
      if (current === undefined) throw new Error('the server did not start');
      return current;
    };
    beforeEach(async () => {
      current = new StoreStage(await makeSubject());
    });
    afterEach(async () => {
      await current?.close();
      current = undefined;
    });

    describeReading(stage);
    describeWriting(stage);
    describeSessions(stage);
    describeBreaks(stage);
  });
}
