import type { Row } from '../row.ts';
import { editedFile } from './edited-file.ts';
import { fromNothing } from './from-nothing.ts';
import { manifestToCall } from './manifest-to-call.ts';
import { placeSize } from './place.ts';
import { planSize } from './plan-size.ts';
import { repairs } from './repair.ts';
import { resync } from './resync.ts';
import { start } from './start.ts';

/** In the order in which they are measured: what needs no daemon first. */
export const rows: readonly Row[] = [
  planSize,
  placeSize,
  editedFile,
  resync,
  ...repairs,
  manifestToCall,
  start,
  fromNothing(30, 3),
  fromNothing(100, 2),
];
