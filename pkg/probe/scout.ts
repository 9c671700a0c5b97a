import { errorMessage, OvrError, pause, type Clock } from '../api/index.ts';
import {
  askersOn,
  judge,
  makeErrand,
  type Census,
  type CensusEndpoint,
  type DnsFindings,
  type Errand,
  type ErrandHost,
  type ErrandNetwork,
  type Findings,
  type Inside,
  type NameAnswer,
  type NetworkFindings,
  type PingFinding,
  type Prober,
} from '../check/index.ts';
import { Turnstile } from './turnstile.ts';

export interface ScoutDeps {
  readonly prober: Prober;
  readonly census: () => Promise<Census>;
  readonly clock: Clock;
}

/** Networks at the same time, pings at the same time on each. */
const NETWORKS_AT_ONCE = 2;
const PINGS_AT_ONCE = 4;
const FELLOWS_OF_LOST = 2;
/** A container that has just gone is no reason to find out nothing: how many of its fellows are tried. */
const MAX_ASKERS = 3;
const MAX_NAMES = 2000;
const MAX_ODD = 200;
const LOOKUP_MS = 8_000;
/** Names that a daemon is just learning are no mismatch: who is asked again this much later and says the same means it. */
const SECOND_THOUGHT_MS = 300;
/** What drivers give a network that was made without an MTU. */
const OVERLAY_MTU = 1450;
const PLAIN_MTU = 1500;
const SILENT = new Set(['ETIMEOUT', 'ECONNREFUSED']);

/** Finds out what an errand asks, from inside one container of each network that this node is on. */
export async function explore(errand: Errand, deadlineMs: number, deps: ScoutDeps): Promise<Findings> {
  const census = await deps.census();
  const own = makeErrand({ censuses: [census], isComplete: true }, errand.wanted, 'local').networks;
  const all = [...errand.networks, ...own];
  const here = all.filter(({ id, isAsked }) => isAsked && askersOn(census, id).length > 0);
  const endMs = deps.clock.monotonic() + deadlineMs;
  const turnstile = new Turnstile(NETWORKS_AT_ONCE);
  const visits = here.map((network) => {
    const visit = new Visit(network, { all, endMs, ...deps });
    return turnstile.pass(() => visit.make(askersOn(census, network.id)));
  });
  return { networks: await Promise.all(visits) };
}

interface VisitDeps extends ScoutDeps {
  /** All networks that something is known of. */
  readonly all: readonly ErrandNetwork[];
  /** Monotonic. */
  readonly endMs: number;
}

/** One network, seen from one container. */
class Visit {
  readonly #network: ErrandNetwork;
  readonly #deps: VisitDeps;

  constructor(network: ErrandNetwork, deps: VisitDeps) {
    this.#network = network;
    this.#deps = deps;
  }

  async make(askers: readonly CensusEndpoint[]): Promise<NetworkFindings> {
    let failure = 'no container could be entered';
    for (const asker of askers.slice(0, MAX_ASKERS)) {
      try {
        return await this.#from(asker);
      } catch (error) {
        failure = errorMessage(error);
        // It may have gone; any other failure meets its fellows too.
        if (!(error instanceof OvrError) || error.kind !== 'waiting') break;
      }
    }
    const { id, name } = this.#network;
    return { id, name, failure, mtu: 0, dns: { asked: 0, untried: 0, odd: [], omitted: 0 }, pings: [] };
  }

  async #from(asker: CensusEndpoint): Promise<NetworkFindings> {
    const inside = await this.#deps.prober.enter(asker.id);
    try {
      const { dns, mtu } = await this.#askNames(inside, asker);
      const { id, name, hosts } = this.#network;
      const pings = await this.#pingAll(hosts, inside, mtu);
      const fellows = await this.#pingAll(this.#fellows(pings), inside, mtu);
      const { container, networks } = asker;
      return {
        id,
        name,
        asker: { container, networks },
        mtu,
        dns,
        pings,
        ...(fellows.length > 0 ? { fellows } : {}),
      };
    } finally {
      await inside.close();
    }
  }

  async #askNames(inside: Inside, asker: CensusEndpoint): Promise<{ dns: DnsFindings; mtu: number }> {
    const names = Object.keys(this.#network.names).slice(0, MAX_NAMES);
    const first = await this.#lookUp(inside, names, asker);
    const mtu = first.mtu ?? this.#network.mtu ?? this.#usualMtu();
    const untried = Object.keys(this.#network.names).length - first.answers.length;
    const asked = first.answers.length;
    if (asked > 0 && first.answers.every(({ error }) => error !== undefined && SILENT.has(error))) {
      const failure = `the embedded DNS does not answer in container ${asker.container}: restart that container; if others are the same, restart Docker`;
      return { mtu, dns: { asked, untried: 0, odd: [], omitted: 0, failure } };
    }
    const odd = await this.#confirm(
      inside,
      first.answers.filter((answer) => this.#isOdd(answer, asker)),
      asker,
    );
    const omitted = Math.max(0, odd.length - MAX_ODD);
    return { mtu, dns: { asked, untried, odd: odd.slice(0, MAX_ODD), omitted } };
  }

  /** Of answers that are odd, those that are given a second time. */
  async #confirm(
    inside: Inside,
    odd: readonly NameAnswer[],
    asker: CensusEndpoint,
  ): Promise<readonly NameAnswer[]> {
    if (odd.length === 0 || this.#restMs() <= SECOND_THOUGHT_MS) return odd;
    await pause(this.#deps.clock, SECOND_THOUGHT_MS);
    const { answers } = await this.#lookUp(
      inside,
      odd.map(({ name }) => name),
      asker,
    );
    return answers.filter((answer) => this.#isOdd(answer, asker));
  }

  #lookUp(
    inside: Inside,
    names: readonly string[],
    { address }: CensusEndpoint,
  ): ReturnType<Inside['resolve']> {
    return inside.resolve(names, { address, deadlineMs: Math.max(1, Math.min(LOOKUP_MS, this.#restMs())) });
  }

  #isOdd(answer: NameAnswer, asker: CensusEndpoint): boolean {
    const others = this.#deps.all.filter(({ id }) => id !== this.#network.id && asker.networks.includes(id));
    return judge(answer.name, answer, { network: this.#network, others }) !== 'ok';
  }

  /** The further containers, but few of a host that is not reached: each would cost seconds to say the same. */
  #fellows(pings: readonly PingFinding[]): readonly ErrandHost[] {
    const lost = new Set(pings.filter(({ reach }) => reach === 'unreachable').map(({ node }) => node));
    const all = this.#network.fellows ?? [];
    return all.filter((one, at) => {
      const before = all.slice(0, at).filter(({ node }) => node === one.node).length;
      return !lost.has(one.node) || before < FELLOWS_OF_LOST;
    });
  }

  async #pingAll(hosts: readonly ErrandHost[], inside: Inside, mtu: number): Promise<PingFinding[]> {
    const turnstile = new Turnstile(PINGS_AT_ONCE);
    const pings = hosts.map((host) =>
      turnstile.pass(async () => (this.#restMs() > 0 ? [await inside.ping(host, mtu)] : [])),
    );
    return (await Promise.all(pings)).flat();
  }

  #usualMtu(): number {
    return this.#network.driver === 'overlay' ? OVERLAY_MTU : PLAIN_MTU;
  }

  #restMs(): number {
    return this.#deps.endMs - this.#deps.clock.monotonic();
  }
}
