import { describe, expect, it } from 'vitest';
import { ownedLabels } from './specs.ts';
import { refusal, type Stage } from './stage.ts';

const NO_CONTAINER = 'f'.repeat(64);

/** What an engine promises about containers. */
export function describeContainers(stage: () => Stage): void {
  describeLife(stage);
  describeRefusals(stage);
  describeChanges(stage);
}

function describeLife(stage: () => Stage): void {
  describe('life of a container', () => {
    it('goes from created to running to exited to gone', async () => {
      const { engine, imageName } = stage().subject;
      const box = await stage().created({ labels: { team: 'web' } });
      expect(await stage().container(box)).toMatchObject({
        name: box.name,
        image: imageName,
        state: 'created',
        health: 'none',
        labels: { ...ownedLabels('Container', box.name), team: 'web' },
        details: { started: false, startedAtMs: 0, exitCode: 0 },
      });
      await engine.startContainer(box.id);
      expect(await stage().container(box)).toMatchObject({ state: 'running', details: { started: true } });
      await engine.stopContainer(box.id, 0);
      expect(await stage().container(box)).toMatchObject({
        state: 'exited',
        details: { started: true, exitCode: 137 },
      });
      await engine.removeContainer(box.id);
      expect(await stage().seen(box)).toBeUndefined();
    });

    it('tells when it was started, and how often the engine has started it again', async () => {
      const { engine } = stage().subject;
      const steady = await stage().running();
      const first = (await stage().container(steady)).details;
      expect(first).toMatchObject({ restarts: 0, startedAtMs: expect.any(Number) as number });
      expect(first?.startedAtMs).toBeGreaterThan(0);
      await engine.stopContainer(steady.id, 0);
      await engine.startContainer(steady.id);
      const second = (await stage().container(steady)).details;
      expect(second?.startedAtMs).toBeGreaterThanOrEqual(first?.startedAtMs ?? Infinity);
      expect(second?.restarts).toBe(0);
      const restartPolicy = { name: 'always', maximumRetryCount: 0 } as const;
      const crashing = await stage().running({ command: ['sh', '-c', 'exit 3'], restartPolicy });
      await stage().eventually(async () => {
        expect((await stage().container(crashing)).details?.restarts).toBeGreaterThan(0);
      });
    });

    it('ends with the exit code of its program', async () => {
      const { engine } = stage().subject;
      const box = await stage().running({ command: ['sh', '-c', 'exit 3'] });
      await stage().eventually(async () => {
        expect(await engine.containerState(box.id)).toEqual({ state: 'exited', exitCode: 3 });
      });
      await stage().eventually(async () => {
        expect((await stage().container(box)).details?.exitCode).toBe(3);
      });
    });

    it('is given its environment', async () => {
      const box = await stage().created({ envLines: ['COLOUR=blue', 'EMPTY=', 'TEXT=a=b c'] });
      const env = await stage().subject.hand.env(box.name);
      expect(env).toEqual(expect.arrayContaining(['COLOUR=blue', 'EMPTY=', 'TEXT=a=b c']));
    });

    it('can be removed while it runs', async () => {
      const box = await stage().running();
      await stage().subject.engine.removeContainer(box.id);
      expect(await stage().seen(box)).toBeUndefined();
    });

    it('has no more time to stop than it is given', async () => {
      const box = await stage().running();
      const beganMs = performance.now();
      await stage().subject.engine.stopContainer(box.id, 1_000);
      expect(performance.now() - beganMs).toBeLessThan(6_000);
      expect(await stage().container(box)).toHaveProperty('state', 'exited');
    });

    it('is told fresh, past any cache', async () => {
      const { engine, hand } = stage().subject;
      const box = await stage().running();
      expect(await engine.containerState(box.id)).toEqual({ state: 'running', exitCode: 0 });
      await hand.pause(box.name);
      expect(await engine.containerState(box.id)).toHaveProperty('state', 'paused');
      expect(await refusal(engine.containerState(NO_CONTAINER))).toHaveProperty('code', 'not-found');
    });

    it('tells where it runs and what it is called, owned or not', async () => {
      const { engine } = stage().subject;
      const net = await stage().network();
      const box = await stage().created({ endpoint: { network: net, aliases: ['nginx'] } });
      expect(await engine.containerSeat(box.id)).toHaveProperty('pid', 0);
      await engine.startContainer(box.id);
      const seat = await engine.containerSeat(box.id);
      expect(seat.pid).toBeGreaterThan(0);
      expect(seat.aliases.get(net.id)).toEqual(['nginx']);
      expect(await engine.containerSeat(box.id)).toEqual(seat);
      await engine.stopContainer(box.id, 0);
      await engine.startContainer(box.id);
      expect((await engine.containerSeat(box.id)).startedAt).not.toBe(seat.startedAt);
      expect(await refusal(engine.containerSeat(NO_CONTAINER))).toHaveProperty('code', 'not-found');
    });

    it('has a health when it has a health check', async () => {
      const healthcheck = { test: ['CMD', 'true'], intervalMs: 1_000, timeoutMs: 1_000 };
      if (!stage().speaks(24)) {
        expect(await refusal(stage().running({ healthcheck }))).toHaveProperty('code', 'invalid-request');
        return;
      }
      const box = await stage().running({ healthcheck });
      expect((await stage().container(box)).health).toMatch(/starting|healthy/);
      await stage().eventually(async () => {
        expect((await stage().container(box)).health).toBe('healthy');
      });
    });
  });
}

function describeRefusals(stage: () => Stage): void {
  describe('refusals', () => {
    it('of what is so already count as success', async () => {
      const { engine } = stage().subject;
      const box = await stage().created();
      const alreadySo = async (call: Promise<void>): Promise<void> => {
        expect(await refusal(call)).toHaveProperty('kind', 'already-so');
      };
      await alreadySo(engine.stopContainer(box.id));
      await engine.startContainer(box.id);
      await alreadySo(engine.startContainer(box.id));
      await alreadySo(engine.unpauseContainer(box.id));
      await alreadySo(engine.renameContainer(box.id, box.name));
      await engine.stopContainer(box.id, 0);
      await alreadySo(engine.stopContainer(box.id, 0));
      await engine.removeContainer(box.id);
      await alreadySo(engine.removeContainer(box.id));
      expect(await refusal(engine.startContainer(box.id))).toHaveProperty('code', 'not-found');
    });

    it('of a name in use', async () => {
      const box = await stage().created();
      expect(await refusal(stage().created({ name: box.name }))).toHaveProperty('code', 'name-in-use');
      const other = await stage().created();
      const rename = stage().subject.engine.renameContainer(other.id, box.name);
      expect(await refusal(rename)).toHaveProperty('code', 'name-in-use');
    });

    it('of an image that is not there', async () => {
      const { engine, imageName } = stage().subject;
      const image = 'contract.invalid/none:1';
      expect(await refusal(stage().created({ image }))).toHaveProperty('code', 'image-not-found');
      expect(await refusal(engine.ensureImage(image, 'Never'))).toHaveProperty('code', 'image-not-found');
      expect(await refusal(engine.ensureImage(image, 'IfNotPresent'))).toHaveProperty(
        'code',
        'image-pull-failed',
      );
      await engine.ensureImage(imageName, 'Never');
      await engine.ensureImage(imageName, 'IfNotPresent');
    });

    it('of a host port in use, at the start', async () => {
      const ports = [{ hostPort: 18_001, containerPort: 22, protocol: 'tcp' as const }];
      const first = await stage().created({ ports, bridged: true });
      await stage().subject.engine.startContainer(first.id);
      const second = await stage().created({ ports, bridged: true });
      const start = stage().subject.engine.startContainer(second.id);
      expect(await refusal(start)).toEqual({ code: 'port-in-use', kind: 'waiting' });
      expect(await stage().container(second)).toMatchObject({
        state: 'created',
        details: { started: false },
      });
    });

    it('of a program that cannot be run', async () => {
      const box = await stage().created({ command: ['no-such-program'] });
      const start = stage().subject.engine.startContainer(box.id);
      expect(await refusal(start)).toHaveProperty('code', 'container-start-failed');
      expect(await stage().container(box)).toMatchObject({ state: 'created', details: { exitCode: 127 } });
    });
  });
}

function describeChanges(stage: () => Stage): void {
  describe('changes to a container', () => {
    it('can be its name', async () => {
      const box = await stage().running();
      const name = stage().name('renamed');
      await stage().subject.engine.renameContainer(box.id, name);
      expect(await stage().container(box)).toMatchObject({ name, state: 'running' });
    });

    it('can be its restart policy and limits', async () => {
      const { engine } = stage().subject;
      const box = await stage().running({
        resources: { limits: { memoryBytes: 64 * 2 ** 20 }, requests: {} },
      });
      const restartPolicy = { name: 'on-failure', maximumRetryCount: 4 } as const;
      await engine.updateContainer(box.id, { restartPolicy });
      expect((await stage().container(box)).details).toMatchObject({
        restartPolicy,
        memoryBytes: 64 * 2 ** 20,
        nanoCpus: 0,
      });
      await engine.updateContainer(box.id, { memoryBytes: 256 * 2 ** 20, nanoCpus: 500_000_000 });
      expect((await stage().container(box)).details).toMatchObject({
        restartPolicy,
        memoryBytes: 256 * 2 ** 20,
        nanoCpus: 500_000_000,
      });
    });

    it('can be a limit where there was none', async () => {
      const box = await stage().running();
      await stage().subject.engine.updateContainer(box.id, { memoryBytes: 32 * 2 ** 20 });
      expect((await stage().container(box)).details?.memoryBytes).toBe(32 * 2 ** 20);
    });

    it('can be a pause by hand, and its end', async () => {
      const { engine, hand } = stage().subject;
      const box = await stage().running();
      await hand.pause(box.name);
      await stage().eventually(async () => {
        expect(await stage().container(box)).toHaveProperty('state', 'paused');
      });
      await engine.unpauseContainer(box.id);
      expect(await stage().container(box)).toHaveProperty('state', 'running');
    });
  });
}
