/** An alias switched by hand between containers on two hosts: how long until a third host's containers see it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { OVR } from '../../build/built.ts';
import { alias, network } from '../../build/live.ts';
import type { LiveCluster } from '../../build/live-cluster.ts';
import { must } from '../../lab/run.ts';
import { addressOf, CLIENT, declare, holder, leadsTo, NETWORK, withCluster } from '../cluster-stage.ts';
import { DockerApi } from '../docker-api.ts';
import { NameWatcher } from '../name-watcher.ts';
import { type Bench, type Outcome, type Row, verdict } from '../row.ts';
import { formatMs, formatSpread, median } from '../stats.ts';

const REPETITIONS = 12;
const QUICK_REPETITIONS = 3;
/** So that nothing of the last repetition is still going on. */
const REST_MS = 1_500;
const BARE_FACTOR = 2;
const MARGIN_MS = 100;
/** A container of nobody's beside blue. */
const BARE = 'by-hand';

interface Samples {
  readonly bare: number[];
  readonly forth: number[];
  readonly back: number[];
  readonly command: number[];
}

export const switchTime: Row = {
  name: 'switch',
  measure: (bench) => withCluster((cluster) => measure(bench, cluster)),
};

async function measure(bench: Bench, cluster: LiveCluster): Promise<readonly Outcome[]> {
  await prepare(cluster);
  const [first, second] = cluster.lab.hosts;
  if (!first || !second) throw new Error('the lab has too few hosts');
  const watcher = await NameWatcher.open({ host: first, container: CLIENT, name: 'web' });
  const docker = new DockerApi(second.socket);
  try {
    return outcomes(await repeat(bench, await Switches.of(cluster, watcher), docker));
  } finally {
    docker.close();
    watcher.close();
  }
}

/** Blue and green on the second and the third host; the name leads to blue. */
async function prepare(cluster: LiveCluster): Promise<void> {
  await declare(cluster, [
    network(NETWORK),
    holder(cluster, { name: CLIENT, host: 0 }),
    holder(cluster, { name: 'blue', host: 1 }),
    holder(cluster, { name: 'green', host: 2 }),
    // As the one by hand beside blue: a host's last endpoint takes the overlay down with it, which costs a second more.
    holder(cluster, { name: 'beside-green', host: 2 }),
    alias('web', { network: NETWORK, selector: { app: 'web', track: 'blue' } }),
  ]);
  await leadsTo(cluster, 'web', 'blue');
  const options = ['--detach', '--name', BARE, '--network', NETWORK, '--network-alias', 'other'];
  await cluster.lab.hosts[1]?.docker(['run', ...options, 'busybox', 'sleep', '100000']);
}

async function repeat(bench: Bench, switches: Switches, docker: DockerApi): Promise<Samples> {
  const samples: Samples = { bare: [], forth: [], back: [], command: [] };
  const count = bench.quick ? QUICK_REPETITIONS : REPETITIONS;
  for (let index = 1; index <= count; index += 1) {
    samples.bare.push(await rested(() => reconnect(docker)));
    samples.forth.push(await rested(() => switches.forth()));
    samples.back.push(await rested(() => switches.back()));
    samples.command.push(await rested(() => switches.command()));
    await rested(() => switches.back());
    const [bare, ovr] = [samples.bare.at(-1) ?? 0, samples.forth.at(-1) ?? 0];
    bench.progress(`bare ${formatMs(bare)}, ovr ${formatMs(ovr)} (${index} of ${count})`);
  }
  return samples;
}

async function rested(work: () => Promise<number>): Promise<number> {
  await sleep(REST_MS);
  return work();
}

/** The same endpoint anew, with its name and its address, as ovr does it. */
async function reconnect(docker: DockerApi): Promise<number> {
  const endpoint = (await docker.endpoints(BARE))[NETWORK];
  if (endpoint === undefined) throw new Error(`${BARE} is not on ${NETWORK}`);
  const same = { Aliases: ['other'], IPAMConfig: { IPv4Address: endpoint.IPAddress } };
  const beganMs = performance.now();
  await docker.disconnect(NETWORK, BARE);
  await docker.connect(NETWORK, { Container: BARE, EndpointConfig: same });
  return performance.now() - beganMs;
}

/** Each returns how long it took until the client's container saw only the new holder. */
class Switches {
  readonly #cluster: LiveCluster;
  readonly #watcher: NameWatcher;
  readonly #addresses: { readonly blue: string; readonly green: string };

  static async of(cluster: LiveCluster, watcher: NameWatcher): Promise<Switches> {
    const blue = await addressOf(cluster, 1, 'blue');
    return new Switches(cluster, watcher, { blue, green: await addressOf(cluster, 2, 'green') });
  }

  private constructor(
    cluster: LiveCluster,
    watcher: NameWatcher,
    addresses: { blue: string; green: string },
  ) {
    this.#cluster = cluster;
    this.#watcher = watcher;
    this.#addresses = addresses;
  }

  get #ovrd(): LiveCluster['nodes'][number]['ovrd'] {
    const [node] = this.#cluster.nodes;
    if (node === undefined) throw new Error('no ovrd runs');
    return node.ovrd;
  }

  forth(): Promise<number> {
    const request = { alias: 'web', labels: { track: 'green' }, who: 'bench' };
    return this.#timed('green', () => this.#ovrd.client.switchAlias(request));
  }

  back(): Promise<number> {
    return this.#timed('blue', () => this.#ovrd.client.switchBack('web'));
  }

  /** As people type it, with the start of the program. */
  command(): Promise<number> {
    const words = ['--socket', this.#ovrd.socket, 'switch', 'web', 'track=green'];
    return this.#timed('green', () => must([process.execPath, OVR, ...words]));
  }

  async #timed(to: 'blue' | 'green', change: () => Promise<unknown>): Promise<number> {
    const seen = this.#watcher.leadsTo(this.#addresses[to]);
    const beganMs = performance.now();
    const [atMs] = await Promise.all([seen, change()]);
    await leadsTo(this.#cluster, 'web', to);
    return atMs - beganMs;
  }
}

function outcomes({ bare, forth, back, command }: Samples): readonly Outcome[] {
  const limitMs = BARE_FACTOR * median(bare) + MARGIN_MS;
  const outcome = (what: string, ovr: readonly number[], isLimited = true): Outcome => {
    const moreMs = median(ovr) - BARE_FACTOR * median(bare);
    return {
      what: `${what} → a container on a third host sees only the new holder`,
      ovr: formatSpread(ovr),
      peer: `bare disconnect and connect ${formatSpread(bare)}`,
      found: `${BARE_FACTOR} × bare ${moreMs < 0 ? '−' : '+'} ${formatMs(Math.abs(moreMs))}`,
      limit: isLimited ? `≤ ${BARE_FACTOR} × bare + ${MARGIN_MS} ms` : '',
      verdict: isLimited ? verdict(median(ovr) <= limitMs) : 'seen',
      samples: { ovr, bare },
    };
  };
  return [
    outcome('an alias is switched over the API of an agent', forth),
    outcome('it is switched back', back),
    outcome('it is switched by `ovr switch`, the start of the program included', command, false),
  ];
}
