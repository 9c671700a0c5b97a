import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pack, fitTogether } from './batches.ts';
import { bindingsWrites, bindingsZnodes, readBindings, type Bindings } from './bindings.ts';
import { boundUnplaced, readDecision, sameDecision, writeDecision } from './decision.ts';
import { readMember } from './member.ts';
import { bindingsPath, decodeName, encodeName, partsByNode } from './paths.ts';
import { readReport } from './report.ts';
import type { Znode } from './store.ts';

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });

function storeOf(data: ReadonlyMap<string, string>): { get: (path: string) => Promise<Znode | undefined> } {
  return {
    get: (path) => {
      const text = data.get(path);
      const znode = { version: 1, mine: false, ephemeral: false };
      return Promise.resolve(text === undefined ? undefined : { ...znode, data: text });
    },
  };
}

function bindings(names: readonly string[], leaving: readonly string[] = []): Bindings {
  return { epoch: 3, turn: 4, names, leaving, inherited: [] };
}

const MANY = Array.from({ length: 40_000 }, (_, index) => `container-with-a-rather-long-name-${index}`);

describe('names in paths', () => {
  it.each(['n1', 'host.example.com', '.', '..', '...', 'a/b', 'a+1', 'a b', 'ä', '%41', 'zookeeper'])(
    '%s',
    (text) => {
      expect(encodeName(text)).not.toMatch(/[/+]|^\.+$/);
      expect(decodeName(encodeName(text))).toBe(text);
    },
  );

  it('come back whatever they are', () => {
    fc.assert(
      fc.property(name, (text) => {
        expect(decodeName(encodeName(text))).toBe(text.toWellFormed());
      }),
    );
  });

  it('that we cannot have made are none', () => {
    expect(['a b', '%', '%zz', '%61', '..'].map(decodeName)).toEqual(Array(5).fill(undefined));
  });

  it('of parts belong to their node', () => {
    const parts = partsByNode(['n1', 'n1+1', 'n1+2', 'n1.1', 'n2+1', 'n3+x', 'n4+1+2', '%']);
    expect([...parts].map(([node, numbers]) => [node, [...numbers]])).toEqual([
      ['n1', [0, 1, 2]],
      ['n1.1', [0]],
      ['n2', [1]],
    ]);
  });
});

describe('bindings', () => {
  it('come back as they were written, in one part or many', async () => {
    for (const written of [bindings([]), bindings(['a', 'b'], ['c']), bindings(MANY, ['x'])]) {
      const znodes = new Map(bindingsZnodes('n1', written).map(({ path, data }) => [path, data]));
      const read = await readBindings(storeOf(znodes), 'n1');
      expect(read).toEqual({ ok: true, value: { bindings: written, parts: znodes.size } });
      for (const data of znodes.values()) expect(Buffer.byteLength(data)).toBeLessThan(512 * 1024);
    }
  });

  it('are torn when parts of two writes are mixed, or one is missing', async () => {
    const old = bindingsZnodes('n1', bindings(MANY));
    const next = bindingsZnodes('n1', bindings(MANY.slice(1)));
    expect(old.length).toBeGreaterThan(2);
    for (let cut = 1; cut < next.length; cut += 1) {
      const mixed = new Map(old.map(({ path, data }) => [path, data]));
      for (const { path, data } of next.slice(0, cut)) mixed.set(path, data);
      expect(await readBindings(storeOf(mixed), 'n1')).toMatchObject({ ok: false, torn: true });
    }
    const missing = new Map(old.slice(1).map(({ path, data }) => [path, data]));
    expect(await readBindings(storeOf(missing), 'n1')).toMatchObject({ ok: false, torn: true });
  });

  it('are written over whatever parts are there, the head after the others', () => {
    const writes = bindingsWrites('n1', bindings(['a']), new Set([0, 1, 5]));
    expect(writes.map(({ type, path }) => `${type} ${path}`)).toEqual([
      'set bindings/n1',
      'remove bindings/n1+1',
      'remove bindings/n1+5',
    ]);
    const many = bindingsWrites('n1', bindings(MANY), new Set([1]));
    expect(many[0]).toMatchObject({ type: 'set', path: bindingsPath('n1', 1) });
    expect(many.at(-1)).toMatchObject({ type: 'create', path: bindingsPath('n1') });
  });

  it('are packed into requests that a coordinator takes, in order and complete', () => {
    const changes = Array.from({ length: 500 }, (_, index) => ({
      node: `n${index}`,
      bindings: bindings(MANY.slice(0, index % 7 === 0 ? 5_000 : 300)),
    }));
    const writesOf = (change: (typeof changes)[number]): ReturnType<typeof bindingsWrites> =>
      bindingsWrites(change.node, change.bindings, new Set());
    const batches = pack(changes, writesOf);
    expect(batches.length).toBeGreaterThan(5);
    expect(batches.every(({ writes }) => fitTogether(writes))).toBe(true);
    expect(batches.flatMap(({ writes }) => writes)).toEqual(changes.flatMap(writesOf));
    expect(batches.flatMap((batch) => batch.changes)).toEqual(changes);
  });
});

describe('decisions', () => {
  it('come back as they were written', () => {
    const decision = {
      epoch: 2,
      turn: 9,
      revision: 'abc',
      unplaced: new Map([
        ['__proto__', 'x'],
        ['b', 'y'],
      ]),
      omitted: 3,
    };
    expect(readDecision(writeDecision(decision))).toEqual({ ok: true, value: decision });
  });

  it('say the same or not', () => {
    const one = { revision: 'r', unplaced: new Map([['a', 'x']]), omitted: 0 };
    expect(sameDecision(one, { ...one, unplaced: new Map([['a', 'x']]) })).toBe(true);
    expect(sameDecision(one, { ...one, unplaced: new Map([['a', 'y']]) })).toBe(false);
    expect(sameDecision(one, { ...one, unplaced: new Map([['b', 'x']]) })).toBe(false);
    expect(sameDecision(one, { ...one, revision: 's' })).toBe(false);
    expect(sameDecision(one, { ...one, omitted: 1 })).toBe(false);
  });

  it('hold at most 1,000 reasons and 256 kB, and count the others', () => {
    const many = new Map(MANY.map((container) => [container, 'no node']));
    expect(boundUnplaced(many)).toMatchObject({ omitted: 39_000 });
    const long = new Map(MANY.slice(0, 900).map((container) => [container, '€'.repeat(5_000)]));
    const { unplaced, omitted } = boundUnplaced(long);
    const text = writeDecision({ epoch: 1, turn: 1, revision: 'r', unplaced, omitted });
    expect(Buffer.byteLength(text)).toBeLessThan(260_000);
    expect(unplaced.size + omitted).toBe(900);
  });
});

describe('reading whatever is there', () => {
  const readers = {
    member: (text: string) => readMember('members/n1', text),
    decision: (text: string) => readDecision(text),
    report: (text: string) => readReport('reports/n1', text),
  };
  it.each(Object.entries(readers))('a %s never throws', (_what, read) => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((json) => `{"format":1,"names":${json}}`),
        ),
        (text) => {
          expect(read(text)).toMatchObject({ ok: false, newer: false });
        },
      ),
    );
    expect(read('{"format":7}')).toMatchObject({ ok: false, newer: true });
  });
});
