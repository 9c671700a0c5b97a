import { describe, expect, it } from 'vitest';
import { OWNER_LABELS } from '../../pkg/api/index.ts';
import type { EngineEvent } from '../../pkg/reconcile/index.ts';
import type { Stage } from './stage.ts';

/** What an engine promises about looking at it. */
export function describeObserving(stage: () => Stage): void {
  describeFacts(stage);
  describeLists(stage);
  describeEvents(stage);
}

function describeFacts(stage: () => Stage): void {
  describe('facts', () => {
    it('name the node and what it has', async () => {
      const facts = await stage().subject.engine.facts();
      expect(facts).toMatchObject({
        kind: expect.stringMatching(/^(plain|cluster-store|swarm-manager)$/) as string,
        apiVersion: expect.stringMatching(/^1\.\d+$/) as string,
        version: expect.stringMatching(/^\d+\.\d+/) as string,
        node: { os: 'linux', role: facts.kind === 'swarm-manager' ? 'manager' : 'worker' },
      });
      expect(facts.node.name).not.toBe('');
      expect(facts.node.id).not.toBe('');
      expect(facts.cpus).toBeGreaterThan(0);
      expect(facts.memoryBytes).toBeGreaterThan(2 ** 20);
      expect((await stage().subject.engine.observe()).engine).toEqual(facts);
    });
  });
}

function describeLists(stage: () => Stage): void {
  describe('lists', () => {
    it('hold the containers of others, without details', async () => {
      const foreign = await stage().foreign({ team: 'web', [OWNER_LABELS.cluster]: 'contract' });
      const seen = await stage().container(foreign);
      expect(seen).toMatchObject({ name: foreign.name, state: 'running', labels: { team: 'web' } });
      expect(seen.details).toBeUndefined();
    });

    it('are whole, whatever happens at the same time', async () => {
      const { engine } = stage().subject;
      const net = await stage().network();
      const stable = [await stage().runningOn(net), await stage().created()];
      const churn = Array.from({ length: 6 }, async () => {
        const { id } = await stage().running();
        await engine.removeContainer(id);
      });
      let isOver = false;
      const churned = Promise.allSettled(churn).then((results) => {
        isOver = true;
        return results.map(({ status }) => status);
      });
      do {
        const { containers, networks } = await engine.observe();
        expect(networks.map(({ id }) => id)).toContain(net.id);
        for (const { id } of stable) {
          const seen = containers.find((container) => container.id === id);
          expect(seen?.details?.aliases.size).toBe(1);
        }
        // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- set by the promise above
      } while (!isOver);
      expect(await churned).toEqual(churn.map(() => 'fulfilled'));
    });
  });
}

function describeEvents(stage: () => Stage): void {
  describe('events', () => {
    it('ring for what is done by hand', async () => {
      const { hand } = stage().subject;
      const net = await stage().network();
      const box = await stage().runningOn(net);
      const { events, stop } = await stage().watch();
      const rings = async (
        act: () => Promise<void>,
        isMeant: (event: EngineEvent) => boolean,
      ): Promise<void> => {
        await quiet(stage(), events);
        await act();
        await stage().eventually(() => expect(events.filter(isMeant)).not.toEqual([]));
      };
      const ofNetwork = (event: EngineEvent): boolean =>
        event.type === 'changed' && event.networkName === net.name;
      const ofContainer = (event: EngineEvent): boolean =>
        event.type === 'changed' && event.containerName === box.name;
      await rings(() => hand.disconnect(box.name, net.name), ofNetwork);
      await rings(() => hand.connect(box.name, net.name, ['nginx']), ofNetwork);
      await rings(() => hand.pause(box.name), ofContainer);
      await rings(() => stage().subject.engine.unpauseContainer(box.id), ofContainer);
      await rings(() => hand.stop(box.name), ofContainer);
      await rings(() => hand.remove(box.name), ofContainer);
      stop();
    });

    it('come after the fact: what is read then is new', async () => {
      const { hand, engine } = stage().subject;
      const net = await stage().network();
      const box = await stage().runningOn(net, { aliases: ['nginx'] });
      await engine.observe();
      const { events, stop } = await stage().watch();
      await quiet(stage(), events);
      await hand.disconnect(box.name, net.name);
      await hand.connect(box.name, net.name, []);
      await stage().eventually(async () => expect(await stage().aliases(box, net)).toEqual([]));
      stop();
    });

    it('end with the watch', async () => {
      const { events, stop } = await stage().watch();
      await quiet(stage(), events);
      stop();
      await stage().network();
      await stage().subject.wait(300);
      expect(events).toEqual([]);
    });
  });
}

/** Forgets the events of earlier acts once no more of them come. */
async function quiet(stage: Stage, events: EngineEvent[]): Promise<void> {
  let count: number;
  do {
    count = events.length;
    await stage.subject.wait(200);
  } while (events.length > count);
  events.length = 0;
}
