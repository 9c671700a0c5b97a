import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../api/index.ts';
import type { ParsedFile } from '../manifest/index.ts';
import { FileRecord, type Moment } from './file-record.ts';
import { Hints } from './hints.ts';
import type { LoadOutcome, LoadRequest, Sighting } from './sighting.ts';

const SETTLE_MS = 100;
const NOW_MS = 1_000_000;

const at = (monotonicMs: number): Moment => ({ wallMs: NOW_MS + monotonicMs, monotonicMs });
const error: Diagnostic = {
  code: 'yaml-syntax',
  severity: 'error',
  file: 'd/a.yaml',
  line: 1,
  column: 1,
  message: 'no',
};
const parsed = (...diagnostics: Diagnostic[]): ParsedFile => ({ objects: [], diagnostics });

function file(version: string, more: Partial<Extract<Sighting, { kind: 'file' }>> = {}): Sighting {
  return {
    kind: 'file',
    name: 'a.yaml',
    print: version,
    inode: `inode-${version}`,
    size: 10,
    changedMs: NOW_MS,
    ...more,
  };
}

/** A record driven like a folder drives it. */
class Driver {
  readonly hints = new Hints();
  readonly record = new FileRecord('a.yaml', 'd/a.yaml', SETTLE_MS);

  see(
    sighting: Sighting,
    ms: number,
    look: { fresh?: boolean; retry?: boolean } = {},
  ): LoadRequest | undefined {
    this.record.seen(sighting, at(ms), { fresh: look.fresh ?? false, retry: look.retry ?? false });
    return this.record.request(at(ms), this.hints);
  }

  answer(outcome: LoadOutcome, ms: number): void {
    this.record.apply({ name: 'a.yaml', ...outcome }, at(ms), this.hints);
  }

  load(sighting: Sighting, ms: number, content: ParsedFile = parsed()): void {
    this.hints.note('a.yaml', 'moved');
    expect(this.see(sighting, ms)).toBeDefined();
    this.answer({ status: 'loaded', hash: sighting.print, parsed: content }, ms);
  }
}

describe('when a file may be read', () => {
  it('waits with a file that is written in place, and starts to wait again with every change', () => {
    const driver = new Driver();
    driver.hints.note('a.yaml', 'written');
    expect(driver.see(file('v1'), 0)).toBeUndefined();
    expect(driver.record.dueMs).toBe(100);
    expect(driver.see(file('v2'), 90)).toBeUndefined();
    expect(driver.record.dueMs).toBe(190);
    expect(driver.see(file('v2'), 189)).toBeUndefined();
    expect(driver.see(file('v2'), 190)?.print).toBe('v2');
  });

  it('does not wait with a new inode that was renamed into place', () => {
    const driver = new Driver();
    driver.hints.note('a.yaml', 'moved');
    expect(driver.see(file('v1'), 0)?.rules.checkWriters).toBe('doubtful');
  });

  it('waits when the same inode came back by a rename, since it may have been written to elsewhere', () => {
    const driver = new Driver();
    driver.load(file('v1', { inode: 'i' }), 0);
    driver.hints.note('a.yaml', 'moved');
    expect(driver.see(file('v2', { inode: 'i' }), 10)).toBeUndefined();
  });

  it('does not wait any longer once the event tells that what it waits with was renamed', () => {
    const driver = new Driver();
    expect(driver.see(file('v1'), 0)).toBeUndefined();
    driver.hints.note('a.yaml', 'moved');
    expect(driver.see(file('v1'), 5)).toBeDefined();
  });

  it('does not believe an old rename after the version it brought is read', () => {
    const driver = new Driver();
    driver.load(file('v1'), 0);
    expect(driver.see(file('v2'), 10)).toBeUndefined();
  });

  it('believes a rename that happens while the version before is being read', () => {
    const driver = new Driver();
    driver.hints.note('a.yaml', 'moved');
    driver.see(file('v1'), 0);
    driver.hints.note('a.yaml', 'moved');
    driver.answer({ status: 'loaded', hash: 'v1', parsed: parsed() }, 1);
    expect(driver.see(file('v2'), 2)?.print).toBe('v2');
  });

  it('throws away what was read after a rename when a write shows up meanwhile', () => {
    const driver = new Driver();
    driver.hints.note('a.yaml', 'moved');
    driver.see(file('v1'), 0);
    driver.hints.note('a.yaml', 'written');
    driver.answer({ status: 'loaded', hash: 'v1', parsed: parsed() }, 1);
    expect(driver.record.good).toBeUndefined();
    expect(driver.record.dueMs).toBe(101);
  });

  it('reads a renamed file once more when the settle time is over', () => {
    const driver = new Driver();
    driver.load(file('v1'), 0);
    expect(driver.record.dueMs).toBe(100);
    const again = driver.see(file('v1'), 100);
    expect(again).toMatchObject({ print: 'v1', hash: 'v1', rules: { checkWriters: 'never' } });
    driver.answer({ status: 'loaded', hash: 'more', parsed: parsed(error) }, 101);
    expect(driver.record.diagnostics(at(101))).toEqual([error]);
    expect(driver.record.dueMs).toBeUndefined();
  });

  it.each([
    [2_000, true],
    [1_999, false],
  ])('at the first look, with a file last changed %d ms ago: reads at once is %s', (ageMs, reads) => {
    const driver = new Driver();
    const request = driver.see(file('v1', { changedMs: NOW_MS - ageMs }), 0, { fresh: true });
    expect(request !== undefined).toBe(reads);
  });

  it('waits with an old file when an event tells of a write since', () => {
    const driver = new Driver();
    driver.hints.note('a.yaml', 'written');
    expect(driver.see(file('v1', { changedMs: 0 }), 0, { fresh: true })).toBeUndefined();
  });

  it('takes a link that leads elsewhere than before like a rename, and a write behind the same link like a write', () => {
    const driver = new Driver();
    expect(driver.see(file('v1', { target: '/d/1/a.yaml' }), 0)).toMatchObject({ target: '/d/1/a.yaml' });
    driver.answer({ status: 'loaded', hash: 'v1', parsed: parsed() }, 0);
    expect(driver.see(file('v2', { target: '/d/1/a.yaml' }), 200)).toBeUndefined();
    expect(driver.see(file('v3', { target: '/d/2/a.yaml' }), 210)).toBeDefined();
  });

  it.each<[string, LoadOutcome, number]>([
    ['busy', { status: 'busy', by: 'vi (pid 1)' }, 200],
    ['blind', { status: 'blind' }, 1_000],
    ['unterminated', { status: 'unterminated' }, 2_000],
    ['changed', { status: 'changed' }, 200],
  ])('tries again later when the reader says %s', (_status, outcome, dueMs) => {
    const driver = new Driver();
    driver.see(file('v1'), 0);
    expect(driver.see(file('v1'), 100)).toBeDefined();
    driver.answer(outcome, 100);
    expect(driver.record.dueMs).toBe(dueMs);
    expect(driver.see(file('v1'), dueMs - 1)).toBeUndefined();
    expect(driver.see(file('v1'), dueMs)).toBeDefined();
  });

  it('asks a busy file less and less often, but every second', () => {
    const driver = new Driver();
    const waits: number[] = [];
    let now = 0;
    driver.see(file('v1'), now);
    now = 100;
    for (let round = 0; round < 6; round += 1) {
      driver.see(file('v1'), now);
      driver.answer({ status: 'busy', by: 'cat (pid 1)' }, now);
      waits.push((driver.record.dueMs ?? 0) - now);
      now = driver.record.dueMs ?? 0;
    }
    expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  it('reports a file that is held open, and says by whom', () => {
    const driver = new Driver();
    driver.see(file('v1'), 0);
    driver.see(file('v1'), 100);
    driver.answer({ status: 'busy', by: 'cat (pid 1)' }, 100);
    expect(driver.record.diagnostics(at(9_999))).toEqual([]);
    expect(driver.record.diagnostics(at(10_000))[0]).toMatchObject({
      code: 'file-unsettled',
      severity: 'warning',
      message: expect.stringContaining('cat (pid 1)') as string,
    });
  });
});

describe('what stays in force', () => {
  const good = parsed();
  const warning = { ...error, severity: 'warning' } as const;
  const bad = parsed(error);

  it('is the last version without errors', () => {
    const driver = new Driver();
    driver.load(file('v1'), 0, good);
    driver.load(file('v2'), 1, bad);
    expect(driver.record.good).toEqual({ file: 'd/a.yaml', ...good });
    expect(driver.record.diagnostics(at(1))).toEqual([error]);
    const mended = parsed(warning);
    driver.load(file('v3'), 2, mended);
    expect(driver.record.good).toEqual({ file: 'd/a.yaml', ...mended });
    expect(driver.record.diagnostics(at(2))).toEqual([warning]);
  });

  it('is nothing where no version was ever without errors', () => {
    const driver = new Driver();
    driver.load(file('v1'), 0, bad);
    expect(driver.record.good).toBeUndefined();
  });

  it.each<[string, Sighting]>([
    [
      'something that is no file takes its place',
      {
        kind: 'refused',
        name: 'a.yaml',
        print: 'fifo',
        refusal: { code: 'file-not-regular', message: 'no', retry: true },
      },
    ],
  ])('stays when %s', (_case, sighting) => {
    const driver = new Driver();
    driver.load(file('v1'), 0, good);
    expect(driver.see(sighting, 1)).toBeUndefined();
    expect(driver.record.good).toEqual({ file: 'd/a.yaml', ...good });
    expect(driver.record.diagnostics(at(1))).toMatchObject([{ code: 'file-not-regular', severity: 'error' }]);
  });

  it('stays when it cannot be read; equal content after that brings its own diagnostics back', () => {
    const driver = new Driver();
    driver.load(file('v1'), 0, parsed(warning));
    driver.hints.note('a.yaml', 'moved');
    driver.see(file('v2'), 1);
    driver.answer({ status: 'refused', refusal: { code: 'file-unreadable', message: 'no', retry: true } }, 1);
    expect(driver.record.diagnostics(at(1))).toMatchObject([{ code: 'file-unreadable' }]);
    expect(driver.see(file('v2'), 2)).toBeUndefined();
    expect(driver.record.wantsRetry).toBe(true);
    expect(driver.see(file('v2'), 3, { retry: true })).toBeUndefined();
    expect(driver.record.dueMs).toBe(103);
    expect(driver.see(file('v2'), 103)).toMatchObject({ print: 'v2', hash: 'v1' });
    driver.answer({ status: 'same' }, 103);
    expect(driver.record.diagnostics(at(103))).toEqual([warning]);
    expect(driver.record.wantsRetry).toBe(false);
  });

  it('is tried again as often as its refusal says, and with each version anew', () => {
    const driver = new Driver();
    const refusal = { code: 'parse-timeout', message: 'busy', retry: true, retries: 2 } as const;
    const tries = (print: string, fromMs: number): number => {
      let count = 0;
      for (let ms = fromMs; ms < fromMs + 10_000; ms += 1_000) {
        driver.see(file(print), ms, { retry: true });
        if (driver.see(file(print), ms + 500) === undefined) continue;
        driver.answer({ status: 'refused', refusal }, ms + 500);
        count += 1;
      }
      return count;
    };
    expect(tries('v1', 0)).toBe(3);
    expect(driver.record.wantsRetry).toBe(false);
    expect(driver.record.diagnostics(at(20_000))).toMatchObject([{ code: 'parse-timeout' }]);
    expect(tries('v2', 30_000)).toBe(3);
  });

  it('stays while the file is missing, for 500 ms, and on if it comes back', () => {
    const driver = new Driver();
    driver.load(file('v1'), 0, good);
    driver.see(file('v1'), 100);
    driver.answer({ status: 'same' }, 100);
    expect(driver.record.absent(at(200))).toBe(false);
    expect(driver.record.isMissing).toBe(true);
    expect(driver.record.absent(at(699))).toBe(false);
    driver.see(file('v2', { inode: 'other' }), 699);
    expect(driver.record.isMissing).toBe(false);
    expect(driver.record.good).toEqual({ file: 'd/a.yaml', ...good });
    expect(driver.record.absent(at(700))).toBe(false);
    expect(driver.record.absent(at(1_200))).toBe(true);
  });

  it('says when a look is news', () => {
    const { record } = new Driver();
    const seen = (sighting: Sighting): boolean =>
      record.seen(sighting, at(0), { fresh: false, retry: false });
    expect(seen(file('v1'))).toBe(true);
    record.absent(at(0));
    expect(seen(file('v1'))).toBe(true);
    expect(record.print).toBe('v1');
  });
});
