import type { Fields } from './document.ts';

/** When a leader wrote something: its epoch, and how many times it had written in that. Never goes back unless the store did. */
export interface Stamp {
  readonly epoch: number;
  readonly turn: number;
}

/** Before everything. */
export const NO_STAMP: Stamp = { epoch: 0, turn: 0 };

/** Negative when `a` is the older one. */
export function compareStamps(a: Stamp, b: Stamp): number {
  return a.epoch === b.epoch ? a.turn - b.turn : a.epoch - b.epoch;
}

export function readStamp(fields: Fields): Stamp {
  return { epoch: fields.number('epoch'), turn: fields.number('turn') };
}
