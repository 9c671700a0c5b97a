import { styleText } from 'node:util';

import type { ConditionType } from '../../../pkg/api/index.ts';
import type { NodeStatus } from '../../../pkg/reconcile/index.ts';

type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold';

/** Colours a text, or leaves it as it is. */
export type Paint = (colour: Colour, text: string) => string;

/** Colours on a terminal, unless NO_COLOR or a dumb terminal asks for none. */
export function createPaint(isTty: boolean, env: Readonly<Record<string, string | undefined>>): Paint {
  const wanted = isTty && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return wanted ? (colour, text) => styleText(colour, text, { validateStream: false }) : (_, text) => text;
}

const COLOURS: Readonly<Record<ConditionType, Colour>> = {
  Ready: 'green',
  Completed: 'green',
  Progressing: 'yellow',
  Drifted: 'yellow',
  Suspended: 'yellow',
  Degraded: 'red',
  Waiting: 'yellow',
  PruneHeld: 'yellow',
  NotHere: 'dim',
  Ignored: 'dim',
  Kept: 'dim',
  Fenced: 'yellow',
  Unschedulable: 'red',
  Conflict: 'red',
  NeedsRecreate: 'red',
  UpdateFailed: 'red',
  Stalled: 'red',
  Failed: 'red',
};

/** A condition in its colour. */
export function paintCondition(paint: Paint, type: ConditionType): string {
  return paint(COLOURS[type], type);
}

const STATE_COLOURS: Readonly<Record<NodeStatus['state'], Colour>> = {
  up: 'green',
  away: 'yellow',
  lost: 'red',
  swarm: 'dim',
};

/** Whether a node is there, in its colour. */
export function paintNodeState(paint: Paint, state: NodeStatus['state']): string {
  return paint(STATE_COLOURS[state], state);
}
