import type { EngineFacts } from '../../pkg/state/index.ts';
import type { SimulatedHost } from '../../pkg/reconcile/simulated/index.ts';
import type { AgentProcess } from './process.ts';
import type { ManifestFolder } from './source.ts';

type Labels = Readonly<Record<string, string>>;

/** What a machine needs to know of the cluster to judge how its agent stands. */
export interface StandingTerms {
  /** Without contact for longer than this, its movable containers may be anywhere. */
  readonly fenceMs: number;
  readonly sessionTimeoutMs: number;
  /** How long an agent that is back may take to put right what happened meanwhile. */
  readonly mendMs: number;
}

/** How long steps may run after what they were planned on. */
const LANES_MS = 30_000;

/** A host with its engine, its disk, its manifests, and the agent process on it, if one runs. */
export class Machine {
  readonly name: string;
  readonly host: SimulatedHost;
  readonly folder: ManifestFolder;
  /** Files by name, as the agent wrote them. */
  readonly disk = new Map<string, string>();
  process: AgentProcess | undefined;
  /** When the present process began, by the simulation's time. */
  bootedMs = 0;
  /** No power. */
  isOff = false;
  isEngineDown = false;
  /** Chance that an engine call fails before or after its work, and how much longer it takes. */
  trouble = { before: 0, after: 0, delayMs: 0 };
  /** Whether the disk, or an agent since it was lost, knows what is bound here. */
  knowsBindings = false;
  /** Writing to the disk fails. */
  isDiskFull = false;
  /** Since when the agent here could do its work: alive, awake, engine answering. Absent while it cannot. */
  ableSinceMs: number | undefined;
  /** When the newest request that the coordinator answered was sent, by the simulation's time. */
  contactMs: number | undefined;
  /** Since when there has been contact without a gap of more than the session timeout. */
  #contactSinceMs = 0;
  /** When the lease was last seen to be lost, by the simulation's own reckoning. */
  #lapsedMs = -1;
  /** When the newest bindings that agents here have read, and may have believed, were written. */
  newestRead = { epoch: 0, turn: 0 };
  /** Whether the cluster may count on what it knows of this node. */
  isInGoodStanding = false;
  #labels: Labels;
  readonly #pastLabels: { readonly labels: Labels; readonly untilMs: number }[] = [];
  #frozenSinceMs: number | undefined;
  #frozen = { lengthMs: 0, untilMs: 0 };
  readonly #now: () => number;

  constructor(host: SimulatedHost, folder: ManifestFolder, setup: { labels: Labels; now: () => number }) {
    this.name = host.name;
    this.host = host;
    this.folder = folder;
    this.#labels = setup.labels;
    this.#now = setup.now;
  }

  /** The engine's facts with the labels of this node, as the agent sees them. */
  facts(): EngineFacts {
    const { facts } = this.host;
    return { ...facts, node: { ...facts.node, labels: { ...facts.node.labels, ...this.#labels } } };
  }

  /** What `--node-label` says from now on. */
  label(labels: Labels): void {
    this.#pastLabels.push({ labels: this.#labels, untilMs: this.#now() });
    this.#labels = labels;
  }

  /** All labels that this node has had since then. */
  labelsSince(sinceMs: number): Labels[] {
    return [
      ...this.#pastLabels.filter(({ untilMs }) => untilMs >= sinceMs).map(({ labels }) => labels),
      this.#labels,
    ];
  }

  freeze(): void {
    this.#frozenSinceMs ??= this.#now();
    this.process?.clock.freeze();
  }

  thaw(): void {
    if (this.#frozenSinceMs === undefined) return;
    this.#frozen = { lengthMs: this.#now() - this.#frozenSinceMs, untilMs: this.#now() };
    this.#frozenSinceMs = undefined;
    this.process?.clock.thaw();
  }

  /** How long the agent's newest freeze was, if it ended within the last `withinMs`; else 0. */
  frozenFor(withinMs: number): number {
    return this.#now() - this.#frozen.untilMs < withinMs ? this.#frozen.lengthMs : 0;
  }

  hasBeenAble(forMs: number): boolean {
    return this.ableSinceMs !== undefined && this.#now() - this.ableSinceMs > forMs;
  }

  /** The engine did something by itself that the agent has to put right first. */
  disturbed(): void {
    this.ableSinceMs = undefined;
  }

  /** Whether an agent here may take its lease for lost. Stops that were planned before it came back may still run. */
  mayBeFenced(fenceMs: number): boolean {
    if (this.#now() - (this.contactMs ?? -Infinity) >= fenceMs - 1) return true;
    if (this.#lapsedMs >= 0 && this.#now() - this.#lapsedMs < LANES_MS) return true;
    return this.isLeaseLost(fenceMs);
  }

  /** Without contact for too long, or not told yet what has moved meanwhile. */
  isLeaseLost(fenceMs: number): boolean {
    const { contactMs, process } = this;
    if (contactMs === undefined || contactMs < this.bootedMs || this.#now() - contactMs > fenceMs)
      return true;
    return (process?.bindingsReadMs ?? -1) <= this.#lapsedMs;
  }

  /** Notes how things stand now. */
  look(terms: StandingTerms): void {
    const nowMs = this.#now();
    if (this.#isAble()) this.ableSinceMs ??= nowMs;
    else this.ableSinceMs = undefined;
    this.#noteContact(nowMs, terms.sessionTimeoutMs);
    const isCutOff = this.contactMs === undefined || nowMs - this.contactMs > terms.fenceMs;
    if (isCutOff) this.#lapsedMs = nowMs;
    const isBack = this.hasBeenAble(terms.mendMs) && nowMs - this.#contactSinceMs > terms.mendMs;
    this.isInGoodStanding = !this.isOff && !isCutOff && (this.isInGoodStanding || isBack);
  }

  #noteContact(nowMs: number, sessionTimeoutMs: number): void {
    const contactMs = this.process?.contactMs();
    if (contactMs === undefined || contactMs <= (this.contactMs ?? -1)) return;
    if (contactMs - (this.contactMs ?? -Infinity) > sessionTimeoutMs) this.#contactSinceMs = nowMs;
    this.contactMs = contactMs;
  }

  #isAble(): boolean {
    const { before, after, delayMs } = this.trouble;
    if (this.isOff || this.isEngineDown || before + after + delayMs > 0) return false;
    return this.process?.clock.isFrozen === false;
  }
}
