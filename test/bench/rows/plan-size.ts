/** plan() alone, on ten thousand objects. */
import type { NetworkObject } from '../../../pkg/manifest/index.ts';
import { type PlanInput, plan } from '../../../pkg/plan/index.ts';
import { attach, container, network, revision } from '../../build/objects.ts';
import { appliedBefore, containerOf, facts, networkOf } from '../../build/observed.ts';
import { type Outcome, type Row, verdict } from '../row.ts';
import { formatMs, formatSpread, median } from '../stats.ts';

const OBJECTS = 10_000;
const NETWORKS = 50;
const WARM_UPS = 10;
const REPETITIONS = 31;
const LIMIT_MS = 50;

interface Case {
  readonly what: string;
  readonly input: PlanInput;
}

export const planSize: Row = {
  name: 'plan',
  measure: (bench) => {
    const outcomes = cases().map(({ what, input }) => {
      const samples = time(input);
      bench.progress(`${what}: ${formatMs(median(samples))}`);
      return outcome(what, samples);
    });
    return Promise.resolve(outcomes);
  },
};

function cases(): Case[] {
  const networks = Array.from({ length: NETWORKS }, (_, index) =>
    network(`net-${index}`, { ipam: { subnet: `10.1.${index}.0/24` } }),
  );
  const containers = Array.from({ length: OBJECTS - NETWORKS }, (_, index) =>
    container(`box-${index}`, { networks: [attach(`net-${index % NETWORKS}`, 'site')] }),
  );
  const objects = [...networks, ...containers];
  const settings = {
    cluster: 'default',
    mode: 'enforce',
    subnetPool: '10.64.0.0/10',
    hostRoutes: [],
    settleMs: 500,
  } as const;
  const base = { revision: revision(objects), settings, nowMs: 1_000_000, pruneConfirmed: false };
  const observedNetworks = networks.map((object: NetworkObject) =>
    networkOf(object, { subnets: [{ subnet: object.spec.ipam?.subnet ?? '' }] }),
  );
  const running = {
    engine: facts,
    networks: observedNetworks,
    containers: containers.map((each) => containerOf(each)),
  };
  const nothing = { engine: facts, networks: [], containers: [] };
  return [
    { what: 'all as declared', input: { ...base, observed: running, memory: appliedBefore(objects) } },
    { what: 'nothing there yet', input: { ...base, observed: nothing, memory: appliedBefore([]) } },
  ];
}

function time(input: PlanInput): number[] {
  const once = (): number => {
    const beganMs = performance.now();
    plan(input);
    return performance.now() - beganMs;
  };
  for (let index = 0; index < WARM_UPS; index += 1) once();
  return Array.from({ length: REPETITIONS }, once);
}

function outcome(what: string, samples: readonly number[]): Outcome {
  return {
    what: `plan() for 10,000 objects, ${what}`,
    ovr: formatSpread(samples),
    peer: '',
    found: formatMs(median(samples)),
    limit: `< ${LIMIT_MS} ms`,
    verdict: verdict(median(samples) < LIMIT_MS),
    samples: { plan: samples },
  };
}
