import { describe, expect, it } from 'vitest';
import type { StoreWrite } from '../../pkg/cluster/index.ts';
import type { StoreStage } from './store-stage.ts';

/** A watch and how often it rang. */
function bell(): { ring: () => void; rung: () => number } {
  let rings = 0;
  return { ring: () => void (rings += 1), rung: () => rings };
}

export function describeReading(stage: () => StoreStage): void {
  describe('reading', () => {
    it('finds nothing where there is nothing', async () => {
      const seat = await stage().connected();
      expect(await seat.get('nowhere/at-all')).toBeUndefined();
      expect(await seat.children('nowhere/at-all')).toEqual([]);
    });

    it.each(['', 'plain', '{"name":"żółw","mark":"☃ 𝒳"}', 'two\nlines\0and a zero'])(
      'gives %j back as it was written',
      async (data) => {
        const seat = await stage().connected();
        await seat.create('text', data);
        expect(await seat.get('text')).toEqual({ data, version: 0, mine: false, ephemeral: false });
      },
    );

    it('counts the changes of a znode', async () => {
      const seat = await stage().connected();
      await seat.create('counted');
      await seat.set('counted', 'once');
      await seat.set('counted', 'twice');
      expect(await seat.get('counted')).toMatchObject({ data: 'twice', version: 2 });
    });

    it('lists the names in a folder, sorted, and not those below', async () => {
      const seat = await stage().connected();
      for (const path of ['folder/b', 'folder/a/deep', 'folder/C']) await seat.create(path);
      expect(await seat.children('folder')).toEqual(['C', 'a', 'b']);
    });

    it('answers in the order it was asked: what is asked for later is never older', async () => {
      const [reader, writer] = [await stage().connected(), await stage().connected()];
      const both = (data: string): StoreWrite[] => [
        { type: 'set', path: 'first', data },
        { type: 'set', path: 'second', data },
      ];
      for (const path of ['first', 'second']) await reader.create(path, '0');
      for (let turn = 1; turn <= 50; turn += 1) {
        const written = writer.commit(...both(String(turn)));
        // Not waited for one by one: that is how a node asks for a decision and then for its bindings.
        const [first, second] = await Promise.all([reader.get('first'), reader.get('second')]);
        expect(Number(second?.data)).toBeGreaterThanOrEqual(Number(first?.data));
        await written;
      }
    });

    it('tells the own ephemeral from another session’s', async () => {
      const [one, other] = [await stage().connected(), await stage().connected()];
      await one.createEphemeral('owned');
      expect(await one.get('owned')).toMatchObject({ mine: true, ephemeral: true });
      expect(await other.get('owned')).toMatchObject({ mine: false, ephemeral: true });
    });
  });

  describe('watches', () => {
    it('ring once at a change by another session, and again only when re-armed', async () => {
      const [reader, writer] = [await stage().connected(), await stage().connected()];
      const [first, second] = [bell(), bell()];
      await writer.create('watched', 'a');
      await reader.get('watched', first.ring);
      await writer.set('watched', 'b');
      await stage().subject.until('the first ring', () => first.rung() === 1);
      await writer.set('watched', 'c');
      await reader.get('watched', second.ring);
      await writer.set('watched', 'd');
      await stage().subject.until('the second ring', () => second.rung() === 1);
      expect([first.rung(), second.rung()]).toEqual([1, 1]);
    });

    it('ring when the znode goes, and when it comes', async () => {
      const seat = await stage().connected();
      const [going, coming] = [bell(), bell()];
      await seat.create('guest');
      await seat.get('guest', going.ring);
      await seat.remove('guest');
      await stage().subject.until('a ring at the end', () => going.rung() === 1);
      expect(await seat.get('guest', coming.ring)).toBeUndefined();
      await seat.create('guest');
      await stage().subject.until('a ring at the beginning', () => coming.rung() === 1);
    });

    it('of a folder ring when a child comes and when one goes', async () => {
      const [reader, writer] = [await stage().connected(), await stage().connected()];
      const [coming, going] = [bell(), bell()];
      await writer.create('family/one');
      expect(await reader.children('family', coming.ring)).toEqual(['one']);
      await writer.create('family/two');
      await stage().subject.until('a ring for the new child', () => coming.rung() === 1);
      expect(await reader.children('family', going.ring)).toEqual(['one', 'two']);
      await writer.remove('family/one');
      await stage().subject.until('a ring for the lost child', () => going.rung() === 1);
      expect(await reader.children('family')).toEqual(['two']);
    });

    it('of several readers of one znode all ring', async () => {
      const seat = await stage().connected();
      const bells = Array.from({ length: 12 }, bell);
      await seat.create('popular');
      for (const { ring } of bells) await seat.get('popular', ring);
      await seat.set('popular', 'news');
      await stage().subject.until('twelve rings', () => bells.every(({ rung }) => rung() === 1));
    });

    it('do not ring after a lost connection', async () => {
      const [reader, writer] = [await stage().connected(), await stage().connected()];
      const { ring, rung } = bell();
      await writer.create('watched');
      await reader.get('watched', ring);
      stage().subject.cut();
      await reader.reconnects(1);
      await writer.reconnects(1);
      await writer.set('watched', 'changed');
      expect(await reader.data('watched')).toBe('changed');
      expect(rung()).toBe(0);
    });
  });
}
