import { describe, expect, it } from 'vitest';
import type { ObjectKey } from '../api/index.ts';
import type { AgentStatus } from '../reconcile/index.ts';
import { ClusterStage } from '../../test/build/cluster.ts';
import { Witness } from './witness.ts';

const base = new ClusterStage().add('n1').status();

function status(working: readonly string[] = [], isUp = true): AgentStatus {
  const keys = working.map((name): ObjectKey => `Container/${name}`);
  return { ...base, working: keys, engine: { up: isUp, message: '' } };
}

const stamp = (turn: number): { epoch: number; turn: number } => ({ epoch: 1, turn });

describe('what a status proves', () => {
  it('is no newer than the round before it', () => {
    const witness = new Witness();
    expect(witness.see(status(), stamp(1)).acting).toEqual({ epoch: 0, turn: 0 });
    expect(witness.see(status(), stamp(2)).acting).toEqual(stamp(1));
    expect(witness.see(status(), stamp(2)).acting).toEqual(stamp(2));
  });

  it('leaves out what was being worked on when its round began', () => {
    const witness = new Witness();
    witness.see(status(['x']), stamp(1));
    expect([...witness.see(status(), stamp(1)).worked]).toEqual(['Container/x']);
    expect([...witness.see(status(), stamp(1)).worked]).toEqual([]);
  });

  it('does not grow with a status that comes in the middle of a round', () => {
    const witness = new Witness();
    witness.see(status(['x']), stamp(1));
    witness.see(status(['y'], false), stamp(2));
    const testimony = witness.see(status(), stamp(2));
    expect(testimony.acting).toEqual(stamp(1));
    expect([...testimony.worked].sort()).toEqual(['Container/x', 'Container/y']);
  });
});
