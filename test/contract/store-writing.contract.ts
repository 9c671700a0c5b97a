import { describe, expect, it } from 'vitest';
import type { StoreWrite } from '../../pkg/cluster/index.ts';
import { type Seat, type StoreStage, describeError } from './store-stage.ts';

const CONFLICT = 'coordinator-conflict waiting';

/** `there` and `spare` are at version 0, `changed` is at version 2. */
async function prepared(stage: StoreStage): Promise<Seat> {
  const seat = await stage.connected();
  await seat.create('there', 'old');
  await seat.create('spare', 'old');
  await seat.create('changed');
  await seat.set('changed', '1');
  await seat.set('changed', '2');
  return seat;
}

const REFUSED: readonly StoreWrite[] = [
  { type: 'create', path: 'there', data: '', ephemeral: false },
  { type: 'set', path: 'missing', data: '' },
  { type: 'set', path: 'there', data: '', version: 1 },
  { type: 'set', path: 'changed', data: '', version: 0 },
  { type: 'remove', path: 'missing' },
  { type: 'remove', path: 'there', version: 1 },
  { type: 'remove', path: 'changed', version: 0 },
  { type: 'check', path: 'missing' },
  { type: 'check', path: 'missing', version: 0 },
  { type: 'check', path: 'there', version: 1 },
  { type: 'check', path: 'changed', version: 0 },
];

const ACCEPTED: readonly StoreWrite[] = [
  { type: 'create', path: 'missing', data: '', ephemeral: false },
  { type: 'create', path: 'missing', data: '', ephemeral: true },
  { type: 'set', path: 'there', data: '' },
  { type: 'set', path: 'there', data: '', version: 0 },
  { type: 'set', path: 'changed', data: '', version: 2 },
  { type: 'remove', path: 'there' },
  { type: 'remove', path: 'there', version: 0 },
  { type: 'remove', path: 'changed', version: 2 },
  { type: 'check', path: 'there' },
  { type: 'check', path: 'there', version: 0 },
  { type: 'check', path: 'changed', version: 2 },
];

export function describeWriting(stage: () => StoreStage): void {
  describe('writing', () => {
    it.each(ACCEPTED)('does %j', async (write) => {
      const seat = await prepared(stage());
      await seat.commit(write);
      const after = await seat.get(write.path);
      if (write.type === 'remove') expect(after).toBeUndefined();
      else expect(after).toBeDefined();
    });

    it.each(REFUSED)('refuses %j, and all that goes with it', async (write) => {
      const seat = await prepared(stage());
      const beside: StoreWrite[] = [
        { type: 'create', path: 'beside', data: '', ephemeral: false },
        { type: 'set', path: 'spare', data: 'new' },
      ];
      expect(await stage().failure(seat.store.commit([...beside, write]))).toBe(CONFLICT);
      expect(await stage().failure(seat.store.commit([write, ...beside]))).toBe(CONFLICT);
      expect(await seat.get('beside')).toBeUndefined();
      expect([await seat.data('there'), await seat.data('spare')]).toEqual(['old', 'old']);
      expect(await seat.data('changed')).toBe('2');
    });

    it('names the path that was against it', async () => {
      const seat = await prepared(stage());
      const writes: StoreWrite[] = [
        { type: 'check', path: 'there', version: 0 },
        { type: 'check', path: 'changed', version: 7 },
      ];
      await expect(seat.commit(...writes)).rejects.toThrow(/changed/);
    });

    it('does nothing, and says so, for no writes at all', async () => {
      const seat = await stage().connected();
      await seat.commit();
    });

    it('lets the writes of one commit see each other, in their order', async () => {
      const seat = await stage().connected();
      await seat.commit(
        { type: 'create', path: 'new', data: 'a', ephemeral: false },
        { type: 'create', path: 'new/below', data: '', ephemeral: false },
        { type: 'set', path: 'new', data: 'b', version: 0 },
        { type: 'check', path: 'new', version: 1 },
      );
      expect(await seat.get('new')).toMatchObject({ data: 'b', version: 1 });
      expect(await seat.children('new')).toEqual(['below']);
    });

    it('makes parent folders, several at once and deep ones', async () => {
      const seat = await stage().connected();
      await seat.commit(
        { type: 'create', path: 'a/b/c/d', data: 'deep', ephemeral: true },
        { type: 'create', path: 'e/f', data: 'shallow', ephemeral: false },
      );
      expect([await seat.data('a/b/c/d'), await seat.data('e/f')]).toEqual(['deep', 'shallow']);
      expect(await seat.get('a/b/c')).toMatchObject({ ephemeral: false });
    });

    it('makes the folder above what the same commit makes as a folder', async () => {
      const seat = await stage().connected();
      await seat.commit(
        { type: 'create', path: 'above/new', data: 'kept', ephemeral: false },
        { type: 'create', path: 'above/new/below', data: '', ephemeral: true },
      );
      expect(await seat.get('above/new')).toMatchObject({ data: 'kept', version: 0 });
      expect(await seat.children('above/new')).toEqual(['below']);
    });

    it('makes a parent folder that several sessions need at the same moment', async () => {
      const seats = await Promise.all(Array.from({ length: 5 }, () => stage().connected()));
      await Promise.all(seats.map((seat, i) => seat.createEphemeral(`members/node-${i}`)));
      expect(await seats[0]!.children('members')).toHaveLength(5);
    });

    it('does not remove a folder that has something in it', async () => {
      const seat = await stage().connected();
      await seat.create('folder/child');
      expect(await stage().failure(seat.store.commit([{ type: 'remove', path: 'folder' }]))).toBe(CONFLICT);
    });

    it('lets one of many writers at the same version win', async () => {
      const seats = await Promise.all(Array.from({ length: 4 }, () => stage().connected()));
      await seats[0]!.create('contested');
      const ended = await Promise.all(
        seats.map((seat, i) => stage().outcome(seat.set('contested', `${i}`, 0))),
      );
      const lost = ended.filter((outcome) => 'error' in outcome);
      expect(lost.map(({ error }) => describeError(error))).toEqual([CONFLICT, CONFLICT, CONFLICT]);
      expect(await seats[0]!.get('contested')).toMatchObject({ version: 1 });
    });

    it('takes many commits at once', async () => {
      const seat = await stage().connected();
      const folder = Array.from({ length: 30 }, (_, i) => `bindings/node-${i}`);
      await Promise.all(folder.map((path) => seat.create(path)));
      await Promise.all(folder.map((path) => seat.set(path, path, 0)));
      expect(await seat.children('bindings')).toHaveLength(30);
      expect(await seat.get('bindings/node-29')).toMatchObject({ data: 'bindings/node-29', version: 1 });
    });
  });

  describe('sequential znodes', () => {
    it('count up, also over sessions, and are ephemeral', async () => {
      const [one, other] = [await stage().connected(), await stage().connected()];
      const first = await one.createSequential('leader', 'n-', 'one');
      const second = await other.createSequential('leader', 'n-', 'other');
      const third = await one.createSequential('leader', 'n-', 'one again');
      expect(first).toMatch(/^leader\/n-\d{10}$/);
      expect([third, first, second].sort()).toEqual([first, second, third]);
      expect(await one.get(first)).toEqual({ data: 'one', version: 0, mine: true, ephemeral: true });
      expect(await one.children('leader')).toEqual([first, second, third].map((path) => path.slice(7)));
    });

    it('do not take a number again', async () => {
      const seat = await stage().connected();
      const first = await seat.createSequential('leader', 'n-', '');
      await seat.remove(first);
      expect(await seat.createSequential('leader', 'n-', '')).not.toBe(first);
    });
  });

  describe('size', () => {
    it('takes 500 kB in one znode, and 900 kB in one commit', async () => {
      const seat = await stage().connected();
      const half = 'x'.repeat(500_000);
      await seat.create('big', half);
      expect((await seat.get('big'))?.data).toBe(half);
      const parts = Array.from({ length: 9 }, (_, i): StoreWrite => {
        return { type: 'create', path: `parts/${i}`, data: 'y'.repeat(100_000), ephemeral: false };
      });
      await seat.commit(...parts);
      expect(await seat.children('parts')).toHaveLength(9);
    });

    it('refuses more than 1 MB, counted in bytes, with what to do about it, and goes on', async () => {
      const [seat, other] = [await stage().connected(), await stage().connected()];
      const tooBig: StoreWrite = {
        type: 'create',
        path: 'huge',
        data: '☃'.repeat(400_000),
        ephemeral: false,
      };
      const reading = seat.store.children('folder');
      expect(await stage().failure(seat.store.commit([tooBig]))).toBe('coordinator-error invalid');
      await expect(seat.commit(tooBig)).rejects.toThrow(/huge/);
      await stage().done(reading);
      await other.create('small');
      expect(await seat.get('huge')).toBeUndefined();
      expect([seat.told, other.told]).toEqual([['connected'], ['connected']]);
    });
  });
}
