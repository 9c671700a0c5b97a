import type { Row } from '../row.ts';
import { leaderFailover } from './cluster-failover.ts';
import { manifestToNode } from './cluster-manifest.ts';
import { million } from './cluster-million.ts';
import { editedFile } from './edited-file.ts';
import { fromNothing } from './from-nothing.ts';
import { gitPush } from './git-push.ts';
import { gitQuiet } from './git-quiet.ts';
import { manifestToCall } from './manifest-to-call.ts';
import { placeSize } from './place.ts';
import { planSize } from './plan-size.ts';
import { repairs } from './repair.ts';
import { resync } from './resync.ts';
import { manySources } from './sources.ts';
import { start } from './start.ts';
import { switchTraffic } from './switch-traffic.ts';
import { switchTime } from './switch.ts';

/** In the order in which they are measured: what needs no daemon first. */
export const rows: readonly Row[] = [
  planSize,
  placeSize,
  editedFile,
  manySources,
  gitQuiet,
  resync,
  ...repairs,
  manifestToCall,
  gitPush,
  start,
  leaderFailover,
  manifestToNode,
  million,
  switchTime,
  switchTraffic,
  fromNothing(30, 3),
  fromNothing(100, 2),
];
