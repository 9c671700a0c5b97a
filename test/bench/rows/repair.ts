/** Things broken by hand: how long until ovr has repaired them, and how long the bare repair takes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Fleet, withFleet } from '../fleet.ts';
import { type Bench, type Outcome, type Row, verdict } from '../row.ts';
import { formatMs, formatSpread, median } from '../stats.ts';
import { type Workload, containerBody, endpointBody } from '../workload.ts';

const REPETITIONS = 12;
const QUICK_REPETITIONS = 4;
/** What ovr may take on top of the bare repair. */
const MARGIN_MS = 50;
/** Between two repetitions: ovr answers for foreign containers within a second. */
const REST_MS = 1_500;

interface Damage {
  readonly name: string;
  readonly what: string;
  /** Breaks one of ovr's containers and returns the time from the break to the engine's word that it is mended. */
  readonly ovr: (fleet: Fleet, container: string) => Promise<number>;
  /** Breaks a container of nobody, mends it, and returns how long the mending took. */
  readonly bare: (fleet: Fleet, container: string) => Promise<number>;
}

export const repairs: readonly Row[] = [
  {
    name: 'disconnected',
    what: 'an endpoint disconnected by hand is back',
    ovr: disconnectAndWait,
    bare: disconnectAndConnect,
  },
  { name: 'killed', what: 'a killed container is back', ovr: killAndWait, bare: killAndStart },
  { name: 'removed', what: 'a removed container is back', ovr: removeAndWait, bare: removeAndCreate },
].map((damage) => ({ name: damage.name, measure: (bench) => measure(bench, damage) }));

async function measure(bench: Bench, damage: Damage): Promise<readonly Outcome[]> {
  const stage = await bench.stage();
  const count = bench.quick ? QUICK_REPETITIONS : REPETITIONS;
  const ovr: number[] = [];
  const bare: number[] = [];
  await withFleet(stage, count, async (fleet) => {
    for (let index = 0; index < count; index += 1) {
      await sleep(REST_MS);
      bare.push(await damage.bare(fleet, fleet.bare.containers[index] ?? ''));
      await sleep(REST_MS);
      ovr.push(await damage.ovr(fleet, fleet.cared.containers[index] ?? ''));
      bench.progress(
        `bare ${formatMs(bare.at(-1) ?? 0)}, ovr ${formatMs(ovr.at(-1) ?? 0)} (${index + 1} of ${count})`,
      );
    }
  });
  const moreMs = median(ovr) - median(bare);
  return [
    {
      what: damage.what,
      ovr: formatSpread(ovr),
      peer: `bare ${formatSpread(bare)}`,
      found: `bare ${moreMs < 0 ? '−' : '+'} ${formatMs(Math.abs(moreMs))}`,
      limit: `≤ bare + ${MARGIN_MS} ms`,
      verdict: verdict(moreMs <= MARGIN_MS),
      samples: { ovr, bare },
    },
  ];
}

async function idOf({ stage }: Fleet, container: string): Promise<string> {
  const id = (await stage.api.containers()).get(container);
  if (id === undefined) throw new Error(`there is no container ${container}`);
  return id;
}

async function addressOf({ stage }: Fleet, container: string, { network }: Workload): Promise<string> {
  return (await stage.api.endpoints(container))[network]?.IPAddress ?? '';
}

/** The engine's word alone could be about an endpoint of another kind. */
async function checkEndpoint(fleet: Fleet, container: string, address: string): Promise<void> {
  const { network, alias } = fleet.cared;
  const endpoint = (await fleet.stage.api.endpoints(container))[network];
  const isBack = endpoint?.IPAddress === address && endpoint.Aliases?.includes(alias) === true;
  if (!isBack) throw new Error(`${container} is not on ${network} as it was: ${JSON.stringify(endpoint)}`);
}

async function disconnectAndWait(fleet: Fleet, container: string): Promise<number> {
  const { stage, cared } = fleet;
  const id = await idOf(fleet, container);
  const address = await addressOf(fleet, container, cared);
  const connected = stage.events.connected(id);
  await stage.api.disconnect(cared.network, id);
  const brokenMs = performance.now();
  const tookMs = (await connected) - brokenMs;
  await checkEndpoint(fleet, container, address);
  return tookMs;
}

async function disconnectAndConnect(fleet: Fleet, container: string): Promise<number> {
  const { stage, bare } = fleet;
  const id = await idOf(fleet, container);
  const address = await addressOf(fleet, container, bare);
  const connected = stage.events.connected(id);
  await stage.api.disconnect(bare.network, id);
  const brokenMs = performance.now();
  await stage.api.connect(bare.network, { Container: id, EndpointConfig: endpointBody(bare, address) });
  return (await connected) - brokenMs;
}

async function killAndWait({ stage }: Fleet, container: string): Promise<number> {
  const started = stage.events.started(container);
  await stage.api.post(container, 'kill');
  const brokenMs = performance.now();
  return (await started) - brokenMs;
}

async function killAndStart({ stage }: Fleet, container: string): Promise<number> {
  const started = stage.events.started(container);
  await stage.api.post(container, 'kill');
  const brokenMs = performance.now();
  await stage.api.post(container, 'start');
  return (await started) - brokenMs;
}

async function removeAndWait({ stage }: Fleet, container: string): Promise<number> {
  const started = stage.events.started(container);
  await stage.api.remove(container);
  const brokenMs = performance.now();
  return (await started) - brokenMs;
}

async function removeAndCreate(fleet: Fleet, container: string): Promise<number> {
  const { stage, bare } = fleet;
  const address = await addressOf(fleet, container, bare);
  const started = stage.events.started(container);
  await stage.api.remove(container);
  const brokenMs = performance.now();
  const id = await stage.api.createContainer(container, containerBody(bare, address));
  await stage.api.post(id, 'start');
  return (await started) - brokenMs;
}
