import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueSuspects, endpointOf, looked, NO_HISTORY, told, tried, type ProbeHistory } from './history.ts';
import type { Suspect } from './suspects.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

function suspect(name: string, kind: Suspect['kind'] = 'name', address = '10.0.9.2'): Suspect {
  const of = { node: 'n1', networkId: 'net', network: 'ovr0', containerId: `id-${name}`, container: name };
  return { kind, ...of, address, why: `asked on n2, ${name} does not lead to ${address}` };
}

interface Done {
  readonly name: string;
  readonly atMs: number;
}

/** A node that checks, is told what each check finds, and makes the first of what is due again. */
class Node {
  history: ProbeHistory = NO_HISTORY;
  nowMs = 0;
  readonly done: Done[] = [];

  /** One check: after so long, with that result; nobody tells of a check that finds nothing. */
  check(found: readonly Suspect[], afterMs = MINUTE_MS): void {
    this.nowMs += afterMs;
    this.history = looked(this.history, this.nowMs);
    this.nowMs += 1_000;
    if (found.length === 0) return;
    this.history = told(this.history, found);
    const [first] = dueSuspects(this.history, { nowMs: this.nowMs, intervalMs: MINUTE_MS });
    if (!first) return;
    this.history = tried(this.history, first, { atMs: this.nowMs, outcome: 'open' });
    this.done.push({ name: first.container, atMs: this.nowMs });
  }

  /** `a ab - b`: what each check finds. */
  checks(text: string): string {
    for (const each of text.split(' ')) {
      this.check(each === '-' ? [] : Array.from(each).map((name) => suspect(name)));
    }
    return this.done.map(({ name }) => name).join('');
  }
}

describe('what is made again', () => {
  it.each([
    ['an endpoint that three checks in a row find', 'a a a', 'a'],
    ['not one that only two do', 'a a', ''],
    ['not one that is found now and then', 'a a - a a - a b a', ''],
    ['not one after the other where each is found for itself', 'a b a b a b', ''],
    ['one of several', 'ab ab ab', 'a'],
    ['not the next before it is known whether that has helped', 'ab ab ab b', 'a'],
    ['the next once it has', 'ab ab ab b b', 'ab'],
    ['and the next after that', 'abc abc abc bc bc c c', 'abc'],
    ['not the next where it has not', 'ab ab ab ab ab ab ab ab ab ab', 'a'],
    ['the next also where the first look after it was too early', 'ab ab ab ab b', 'ab'],
    ['nothing again within the hour', 'a a a - - a a a a a a', 'a'],
    ['another one within the hour, where the first has helped', 'a a a - - b b b', 'ab'],
  ])('%s', (_, checks, done) => {
    expect(new Node().checks(checks)).toBe(done);
  });

  it('only what is the same: another address or another kind of trouble counts anew', () => {
    const node = new Node();
    node.check([suspect('a', 'name', '10.0.9.2')]);
    node.check([suspect('a', 'name', '10.0.9.2')]);
    node.check([suspect('a', 'name', '10.0.9.3')]);
    node.check([suspect('a', 'address', '10.0.9.3')]);
    node.check([suspect('a', 'address', '10.0.9.3')]);
    expect(node.done).toEqual([]);
    node.check([suspect('a', 'address', '10.0.9.3')]);
    expect(node.done).toHaveLength(1);
  });

  it('once for an endpoint with both kinds of trouble', () => {
    const both = [suspect('a', 'name'), suspect('a', 'address'), suspect('b')];
    const history = [1, 2, 3].reduce((before, at) => told(looked(before, at * MINUTE_MS), both), NO_HISTORY);
    const due = dueSuspects(history, { nowMs: 3 * MINUTE_MS, intervalMs: MINUTE_MS });
    expect(due.map(({ container, kind }) => `${container} ${kind}`)).toEqual(['a name', 'b name']);
  });

  it('no sooner where somebody checks by hand in between', () => {
    const node = new Node();
    for (let second = 0; second < 80; second += 5) node.check([suspect('a')], 4_000);
    expect(node.done).toEqual([]);
    for (let second = 0; second < 20; second += 5) node.check([suspect('a')], 4_000);
    expect(node.done).toHaveLength(1);
  });

  it('what was refused is not asked for again within the hour, and holds up no other', () => {
    let history: ProbeHistory = NO_HISTORY;
    const both = [suspect('a'), suspect('b')];
    for (const at of [1, 2, 3]) history = told(looked(history, at * MINUTE_MS), both);
    const pace = { nowMs: 3 * MINUTE_MS, intervalMs: MINUTE_MS };
    history = tried(history, both[0]!, { atMs: pace.nowMs, outcome: 'refused' });
    expect(dueSuspects(history, pace).map(({ container }) => container)).toEqual(['b']);
    const later = { ...pace, nowMs: pace.nowMs + HOUR_MS };
    expect(dueSuspects(history, later).map(({ container }) => container)).toEqual(['a', 'b']);
  });

  it('nothing before there was a check', () => {
    expect(told(NO_HISTORY, [suspect('a')])).toEqual(NO_HISTORY);
  });
});

it('a network that stays broken is left alone, for twice as long each time', () => {
  const node = new Node();
  const all = Array.from('abcdefgh').map((name) => suspect(name));
  while (node.nowMs < 24 * HOUR_MS) node.check(all);
  const hours = node.done.map(({ atMs }) => Math.round(atMs / HOUR_MS));
  expect(hours).toEqual([0, 1, 3, 7, 15]);
});

describe('whatever the checks find', () => {
  const names = fc.subarray(Array.from('abcd'));
  const check = fc.record({ found: names, afterMs: fc.integer({ min: 1_000, max: 40 * MINUTE_MS }) });

  it('an endpoint is made again only after three checks that found it, and hours apart', () => {
    fc.assert(
      fc.property(fc.array(check, { maxLength: 200 }), (checks) => {
        const node = new Node();
        const seen: string[][] = [];
        for (const { found, afterMs } of checks) {
          const before = node.done.length;
          node.check(
            found.map((name) => suspect(name)),
            afterMs,
          );
          seen.push(found);
          const [made, ...more] = node.done.slice(before);
          expect(more).toEqual([]);
          if (made) for (const each of [1, 2, 3]) expect(seen.at(-each)).toContain(made.name);
        }
        for (const name of 'abcd') {
          const times = node.done.filter((one) => one.name === name).map(({ atMs }) => atMs);
          const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
          gaps.forEach((gap) => expect(gap).toBeGreaterThanOrEqual(HOUR_MS));
        }
        const open = node.history.tries.filter(({ outcome }) => outcome === 'open');
        expect(open.length).toBeLessThanOrEqual(1);
        expect(node.history.looks.length).toBeLessThanOrEqual(64);
        expect(endpointOf(suspect('a'))).toBe('id-a net');
      }),
      { numRuns: 200 },
    );
  });
});
