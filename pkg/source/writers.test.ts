import { closeSync, mkdtempSync, openSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { WriterScan } from './writers.ts';

const seesAll = process.geteuid?.() === 0 && readlinkSync('/proc/self/ns/pid') === 'pid:[4026531836]';

it('finds who has a file open for writing, not who reads it, and walks once a round', () => {
  const dir = mkdtempSync(join(tmpdir(), 'ovr-writers-'));
  const path = join(dir, 'a.yaml');
  writeFileSync(path, 'x\n');
  const { dev, ino } = statSync(path, { bigint: true });
  const inode = `${dev}:${ino}`;
  // A busy machine may take its time here.
  const scan = new WriterScan(60_000);
  const reading = openSync(path, 'r');
  expect(scan.check(inode, 1).status).toBe(seesAll ? 'none' : 'blind');
  const writing = openSync(path, 'a');
  expect(scan.check(inode, 1).status).not.toBe('open');
  expect(scan.check(inode, 2)).toMatchObject({
    status: 'open',
    by: expect.stringContaining(`pid ${process.pid}`) as string,
  });
  closeSync(writing);
  expect(scan.check(inode, 3).status).not.toBe('open');
  closeSync(reading);
  rmSync(dir, { recursive: true });
});

it('counts as blind when the walk takes too long', () => {
  expect(new WriterScan(-1).check('1:1', 1)).toEqual({ status: 'blind' });
});
