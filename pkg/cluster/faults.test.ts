import { describe, expect, it } from 'vitest';
import { ClusterStage, FakeHost, type StagedAgent, movable, staying } from '../../test/build/cluster.ts';

const NAMES = ['n1', 'n2', 'n3', 'n4'];
const MOVABLE = 'u v w x y z'.split(' ');
const STEP_MS = 50;

/** The same numbers for the same seed. */
function dice(seed: number): (sides: number) => number {
  let state = seed * 2_654_435_761 + 12_345;
  return (sides) => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 3_266_489_917) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

/** Four hosts under faults at random, seen every 50 ms. */
class Storm {
  readonly stage = new ClusterStage();
  readonly #roll: (sides: number) => number;
  readonly #hosts = new Map<
    string,
    { agent: StagedAgent; deadSinceMs: number | undefined; bornMs: number }
  >();
  #runs = 0;
  #containers = 6;
  readonly trace: string[] = [];

  constructor(seed: number) {
    this.#roll = dice(seed);
    this.#declare();
    for (const name of NAMES) this.#start(name);
  }

  async run(steps: number): Promise<void> {
    await this.#pass(12_000);
    for (let step = 0; step < steps; step += 1) {
      this.#fault();
      await this.#pass(this.#roll(4) === 0 ? this.#roll(60_000) : this.#roll(4_000));
    }
    this.#heal();
    await this.#pass(200_000);
  }

  #now(): number {
    return this.stage.clock.monotonic();
  }

  async #pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      await this.stage.pass(STEP_MS);
      this.check();
    }
  }

  /** No container that moves on node failure runs twice where there are agents, and none is bound twice. */
  check(): void {
    for (const name of MOVABLE) {
      const on = NAMES.filter(
        (node) => this.#counts(node) && this.#hosts.get(node)?.agent.host.running.has(name),
      );
      if (on.length > 1) {
        throw new Error(`${name} runs on ${on.join(' and ')} at ${this.#now()}\n${this.trace.join('\n')}`);
      }
    }
    const bound = this.stage
      .bound()
      .split(' ')
      .filter((pair) => pair.includes('@'));
    const names = bound.map((pair) => pair.split('@')[0]);
    expect(new Set(names).size).toBe(names.length);
  }

  /** A host without an agent can stop nothing, and one that has just come back has not had the time. */
  #counts(node: string): boolean {
    const { deadSinceMs, bornMs } = this.#hosts.get(node)!;
    return deadSinceMs === undefined && this.#now() - bornMs > 12_000;
  }

  #fault(): void {
    const node = NAMES[this.#roll(NAMES.length)]!;
    const { coordinator } = this.stage;
    const faults: (() => unknown)[] = [
      () => this.#partition(node, 'both'),
      () => this.#partition(node, this.#roll(2) === 0 ? 'to-server' : 'to-client'),
      () => NAMES.forEach((name) => this.#partition(name, 'none')),
      () => NAMES.forEach((name) => this.#partition(name, 'none')),
      () => this.#client(node, (name) => coordinator.expire(name)),
      () => this.#kill(node),
      () => NAMES.filter((name) => this.#isDead(name)).forEach((name) => this.#start(name)),
      () => coordinator.restart(),
      () => this.#declare(),
      () => this.#relabel(node),
      () => this.#lose(this.#roll(40) + 3),
      () => this.#client(node, (name) => coordinator.cut(name)),
      () => coordinator.stop(),
      () => coordinator.start(),
      () => coordinator.start(),
      () => this.#client(node, (name) => coordinator.slow(name, this.#roll(3_000))),
      () => this.#client(node, (name) => coordinator.slow(name, 0)),
      () => coordinator.freeze(),
      () => coordinator.thaw(),
      () => coordinator.thaw(),
      () => this.#roll(3) === 0 && coordinator.wipe(),
    ];
    const what = this.#roll(faults.length);
    this.trace.push(`${this.#now()} ${what} ${node}`);
    faults[what]!();
  }

  #isDead(node: string): boolean {
    return this.#hosts.get(node)!.deadSinceMs !== undefined;
  }

  #client(node: string, act: (client: string) => void): void {
    act(this.#clientOf(node));
  }

  #clientOf(node: string): string {
    return `${node}#${this.#hosts.get(node)!.agent.run}`;
  }

  #partition(node: string, way: 'both' | 'to-server' | 'to-client' | 'none'): void {
    if (this.#hosts.get(node)!.deadSinceMs === undefined)
      this.#client(node, (name) => this.stage.coordinator.partition(name, way));
  }

  #lose(every: number): void {
    let count = 0;
    this.stage.coordinator.faults = () => {
      count += 1;
      if (count > 200) this.stage.coordinator.faults = undefined;
      return count % every === 0 ? 'lost' : undefined;
    };
  }

  #kill(node: string): void {
    const host = this.#hosts.get(node)!;
    if (host.deadSinceMs !== undefined) return;
    this.stage.coordinator.partition(this.#clientOf(node), 'both');
    host.agent.isStarted = false;
    host.deadSinceMs = this.#now();
  }

  #start(node: string): void {
    const before = this.#hosts.get(node)?.agent;
    this.#runs += 1;
    const agent = this.stage.add(node, {
      client: `${node}#${this.#runs}`,
      host: before?.host ?? new FakeHost(),
      ...(before ? { disk: before.disk } : {}),
      labels: before?.labels ?? { zone: this.#roll(2) === 0 ? 'a' : 'b' },
    });
    agent.run = this.#runs;
    if (before) this.stage.agents.splice(this.stage.agents.indexOf(before), 1);
    this.#hosts.set(node, { agent, deadSinceMs: undefined, bornMs: before ? this.#now() : -60_000 });
    agent.start();
  }

  #relabel(node: string): void {
    const { agent } = this.#hosts.get(node)!;
    agent.labels = { zone: agent.labels['zone'] === 'a' ? 'b' : 'a' };
    agent.look();
  }

  #declare(): void {
    const zone = ['zone==a', 'zone==b', 'zone!=c'];
    this.#containers = 3 + this.#roll(4);
    const names = MOVABLE.slice(0, this.#containers);
    const moving = names.map((name) => {
      const constraint = zone[this.#roll(3)]!;
      return movable(name, { nodeConstraint: [constraint] })[0]!;
    });
    this.stage.declare(...moving, ...staying('a b c'));
  }

  #heal(): void {
    const { coordinator } = this.stage;
    coordinator.faults = undefined;
    coordinator.thaw();
    coordinator.start();
    for (const node of NAMES) {
      this.#partition(node, 'none');
      this.#client(node, (name) => coordinator.slow(name, 0));
      if (this.#hosts.get(node)!.deadSinceMs !== undefined) this.#start(node);
      // Both zones are there, so that everything can be placed.
      this.#hosts.get(node)!.agent.labels = { zone: node < 'n3' ? 'a' : 'b' };
      this.#hosts.get(node)!.agent.look();
    }
    this.trace.push(`${this.#now()} healed`);
  }
}

describe('a storm of faults', () => {
  const first = Number(process.env['OVR_STORM_SEED'] ?? 1);
  const count = Number(process.env['OVR_STORM_SEEDS'] ?? 20);
  it.each(Array.from({ length: count }, (_, index) => index + first))('%i', async (seed) => {
    const storm = new Storm(seed);
    await storm.run(25);
    const { stage } = storm;
    const where = storm.trace.join('\n');
    expect(stage.bound(), where).toBe(stage.running());
    expect(
      stage
        .running()
        .split(' ')
        .map((pair) => pair.split('@')[0]),
      where,
    ).toEqual([...stage.revision.objects.values()].map(({ name }) => name).sort());
    expect(stage.leaders(), where).toMatch(/^n\d$/);
    expect(await stage.written(60_000), where).toEqual([]);
  });
});
