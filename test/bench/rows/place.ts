/** place() alone: from nothing, and after nodes are lost, for clusters of growing size. */
import type { ContainerObject } from '../../../pkg/manifest/index.ts';
import { place, type PlacementInput, type PlacementNode } from '../../../pkg/placement/index.ts';
import { container } from '../../build/objects.ts';
import { placementInput, placementNode } from '../../build/placement.ts';
import { type Bench, type Outcome, type Row, verdict } from '../row.ts';
import { formatMs, formatSpread, median } from '../stats.ts';

interface Size {
  readonly containers: number;
  readonly nodes: number;
  readonly repetitions: number;
  readonly freshLimitMs?: number;
  readonly lostLimitMs?: number;
}

interface Samples {
  readonly fresh: number[];
  readonly lost: number[];
}

const SIZES: readonly Size[] = [
  { containers: 10_000, nodes: 100, repetitions: 15 },
  { containers: 100_000, nodes: 1_000, repetitions: 9, freshLimitMs: 1_000 },
  { containers: 1_000_000, nodes: 5_000, repetitions: 5, freshLimitMs: 5_000, lostLimitMs: 1_000 },
];
const WARM_UPS = 3;
const EXPONENT_LIMIT = 1.1;
/** One node in so many is lost. */
const LOST_SHARE = 50;
const ZONES = ['a', 'b', 'c'];
const CONSTRAINTS = [['storage==ssd'], ['zone!=a'], ['zone==~b']];

export const placeSize: Row = {
  name: 'place',
  measure: (bench) => {
    const measured = SIZES.map((size) => ({ size, samples: measureSize(bench, size) }));
    const points = measured.map(({ size, samples }) => [size.containers, median(samples.fresh)] as const);
    return Promise.resolve([
      ...measured.flatMap(({ size, samples }) => outcomes(size, samples)),
      growth(points),
    ]);
  },
};

function measureSize(bench: Bench, size: Size): Samples {
  const input = fleet(size);
  const samples: Samples = { fresh: [], lost: [] };
  const repetitions = bench.quick ? 2 : size.repetitions;
  for (let index = -WARM_UPS; index < repetitions; index += 1) {
    const fresh = time(input);
    const lost = time(withoutSome({ ...input, current: fresh.bindings }));
    if (index < 0) continue;
    samples.fresh.push(fresh.ms);
    samples.lost.push(lost.ms);
  }
  bench.progress(`${size.containers} containers: ${formatMs(median(samples.fresh))}`);
  return samples;
}

/** Three in ten containers have a constraint, a third has requests, one in ten a host port. */
function fleet({ containers, nodes }: Size): PlacementInput {
  return placementInput({
    containers: Array.from({ length: containers }, (_, index) => fleetContainer(index)),
    nodes: Array.from({ length: nodes }, (_, index) => fleetNode(index)),
  });
}

function fleetContainer(index: number): ContainerObject {
  const nodeConstraint = CONSTRAINTS[index % 10] ?? [];
  const requests = index % 3 === 0 ? { nanoCpus: 1e7 * (1 + (index % 5)), memoryBytes: 1 << 24 } : {};
  const ports =
    index % 10 === 5
      ? [{ hostPort: 20_000 + (index % 997), containerPort: 80, protocol: 'tcp' } as const]
      : [];
  const reschedule = 'on-node-failure';
  return container(`app-${index}`, {
    nodeConstraint,
    ports,
    reschedule,
    resources: { limits: {}, requests },
  });
}

function fleetNode(index: number): PlacementNode {
  const engineLabels = { storage: index % 2 === 0 ? 'ssd' : 'hdd', zone: ZONES[index % ZONES.length] ?? '' };
  return placementNode(`node-${index}`, { facts: { engineLabels }, nanoCpus: 64e9, memoryBytes: 2 ** 38 });
}

function withoutSome(input: PlacementInput): PlacementInput {
  const lost = input.nodes.filter((_, index) => index % LOST_SHARE === 0);
  return {
    ...input,
    nodes: input.nodes.filter((node) => !lost.includes(node)),
    lost: new Set(lost.map(({ facts }) => facts.name)),
  };
}

function time(input: PlacementInput): { ms: number; bindings: ReadonlyMap<string, string> } {
  const beganMs = performance.now();
  const { bindings, unplaced } = place(input);
  const ms = performance.now() - beganMs;
  if (unplaced.size > 0) throw new Error(`${unplaced.size} containers have no node`);
  return { ms, bindings };
}

function outcomes(size: Size, samples: Samples): readonly Outcome[] {
  const containers = size.containers.toLocaleString('en');
  const lost = size.nodes / LOST_SHARE;
  const nodes = size.nodes.toLocaleString('en');
  return [
    outcome(`place() of ${containers} containers on ${nodes} nodes`, samples.fresh, size.freshLimitMs),
    outcome(`the same, all bound, when ${lost} of the nodes are lost`, samples.lost, size.lostLimitMs),
  ];
}

function outcome(what: string, samples: readonly number[], limitMs: number | undefined): Outcome {
  const ms = median(samples);
  return {
    what,
    ovr: formatSpread(samples),
    peer: '',
    found: formatMs(ms),
    limit: limitMs === undefined ? '' : `≤ ${limitMs / 1_000} s`,
    verdict: limitMs === undefined ? 'seen' : verdict(ms <= limitMs),
    samples: { place: samples },
  };
}

/** The slope of time over containers, both as logarithms: 1 is linear. */
function growth(points: readonly (readonly [containers: number, ms: number])[]): Outcome {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const middle = (at: 0 | 1): number => logs.reduce((total, point) => total + point[at], 0) / logs.length;
  const [x0, y0] = [middle(0), middle(1)];
  const rise = logs.reduce((total, [x, y]) => total + (x - x0) * (y - y0), 0);
  const run = logs.reduce((total, [x]) => total + (x - x0) ** 2, 0);
  const exponent = rise / run;
  return {
    what: 'place(): exponent of the time over the containers, 10,000 to 1,000,000',
    ovr: exponent.toFixed(2),
    peer: '',
    found: exponent.toFixed(2),
    limit: `≤ ${EXPONENT_LIMIT}`,
    verdict: verdict(exponent <= EXPONENT_LIMIT),
    samples: { exponent: [exponent] },
  };
}
