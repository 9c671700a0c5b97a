import { pause } from '../../api/index.ts';
import type { ContainerSpec } from '../../manifest/index.ts';
import type { EngineFacts, ObservedState } from '../../state/index.ts';
import type { Engine, EngineEvent, Stoppable } from '../ports.ts';
import { Bell, type BellOptions } from './bell.ts';
import { type Gate, SimulatedEngine } from './engine.ts';
import { failure } from './failures.ts';
import type { FaultHook, Latency, Operation } from './faults.ts';
import { Hand } from './hand.ts';
import type { ContainerRecord, HostState, NetworkRecord, Program, WorldState } from './model.ts';
import { observeHost } from './observe.ts';
import { sequence } from './random.ts';

/** What a host is told by the world it is in. */
export interface HostSetup {
  readonly world: WorldState & { readonly faults?: FaultHook | undefined };
  readonly facts: EngineFacts;
  readonly images: readonly string[];
  readonly pullable: readonly string[] | 'any';
  readonly programs: (spec: ContainerSpec) => Program | undefined;
  readonly latency: Latency;
  readonly bell: BellOptions;
  readonly seed: number;
}

/** One Docker host: its engine as the agent sees it, and a hand on its keyboard. */
export class SimulatedHost implements HostState, Gate {
  readonly name: string;
  readonly world: HostSetup['world'];
  readonly facts: EngineFacts;
  readonly networks: NetworkRecord[] = [];
  readonly containers = new Map<string, ContainerRecord>();
  readonly images: Set<string>;
  readonly pullable: ReadonlySet<string> | 'any';
  readonly engine: Engine;
  readonly hand: Hand;
  /** How often each operation was called; a test may clear it. */
  readonly calls = new Map<Operation, number>();
  readonly #programs: HostSetup['programs'];
  readonly #bell: Bell;
  readonly #latency: Latency;
  readonly #next: () => number;
  #outage: string | undefined;
  #busyUntilMs = 0;

  constructor(setup: HostSetup) {
    this.name = setup.facts.node.name;
    this.world = setup.world;
    this.facts = setup.facts;
    this.images = new Set(setup.images);
    this.pullable = setup.pullable === 'any' ? 'any' : new Set(setup.pullable);
    this.#programs = setup.programs;
    this.#bell = new Bell(setup.world.clock, setup.bell);
    this.#latency = setup.latency;
    this.#next = sequence(setup.seed);
    this.engine = new SimulatedEngine(this, this);
    this.hand = new Hand(this);
  }

  emit(event: EngineEvent): void {
    if (this.#outage === undefined) this.#bell.ring(event);
  }

  program(spec: ContainerSpec): Program {
    return this.#programs(spec) ?? {};
  }

  /** The engine stops answering: every call fails with `engine-unreachable` and this message. What runs goes on running. */
  setDown(message = 'connection refused'): void {
    if (this.#outage === undefined) this.emit({ type: 'down', message });
    this.#outage = message;
  }

  /** It answers again. */
  setUp(): void {
    if (this.#outage === undefined) return;
    this.#outage = undefined;
    this.emit({ type: 'up' });
  }

  observe(busy?: ReadonlySet<string>): ObservedState {
    return observeHost(this, this.#next, busy);
  }

  watch(listener: (event: EngineEvent) => void): Stoppable {
    const message = this.#outage;
    return this.#bell.watch(listener, message === undefined ? { type: 'up' } : { type: 'down', message });
  }

  async call<Result>(
    operation: Operation,
    args: readonly unknown[],
    work: () => Result,
    check?: () => void,
  ): Promise<Result> {
    this.calls.set(operation, (this.calls.get(operation) ?? 0) + 1);
    const call = { host: this.name, operation, args };
    await this.world.faults?.({ ...call, phase: 'before' });
    this.#requireUp();
    check?.();
    await this.#takeTime(operation);
    this.#requireUp();
    const result = work();
    await this.world.faults?.({ ...call, phase: 'after' });
    return result;
  }

  #requireUp(): void {
    if (this.#outage === undefined) return;
    throw failure('engine-unreachable', `engine of ${this.name}: ${this.#outage}`);
  }

  #takeTime(operation: Operation): Promise<void> {
    const durationMs = this.#latency.operations[operation] ?? 0;
    if (durationMs <= 0) return Promise.resolve();
    const { clock } = this.world;
    const serialMs = durationMs * (this.#latency.serialShare ?? 0);
    const nowMs = clock.monotonic();
    this.#busyUntilMs = Math.max(nowMs, this.#busyUntilMs) + serialMs;
    return pause(clock, this.#busyUntilMs + durationMs - serialMs - nowMs);
  }
}
