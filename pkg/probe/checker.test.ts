import { describe, expect, it } from 'vitest';
import { container as declared, attach, revision } from '../../test/build/objects.ts';
import { FakeClock, OvrError, silentLogger } from '../api/index.ts';
import type {
  Answers,
  Findings,
  Inside,
  NameAnswer,
  PingFinding,
  Prober,
  Questions,
  Suspect,
} from '../check/index.ts';
import type { Revision } from '../manifest/index.ts';
import type { ObservedContainer, ObservedState } from '../state/index.ts';
import { facts } from '../../test/build/observed.ts';
import { Checker, Routine } from './index.ts';

/** One node: containers with their names, and what is found inside their networks. */
class Node implements Prober {
  readonly name: string;
  readonly clock = new FakeClock();
  /** `web@.2: nginx www`. */
  containers: string[];
  /** Answers by name; those that are not here are right. */
  readonly odd = new Map<string, readonly string[]>();
  /** Nodes, or addresses. */
  readonly unreachable = new Set<string>();
  /** Containers that are gone when somebody wants in. */
  readonly gone = new Set<string>();
  failure: Error | undefined;
  /** Called after each look into a network. */
  visited: () => void = () => undefined;
  readonly explored: Findings[] = [];
  readonly suspected: (readonly Suspect[])[] = [];
  revision: Revision | undefined;
  readonly checker: Checker;
  readonly #meanings: () => ReadonlyMap<string, readonly string[]>;

  constructor(name: string, containers: string[], all: () => readonly Node[], questions?: Questions) {
    this.name = name;
    this.containers = containers;
    this.#meanings = () => meanings(all().flatMap((node) => node.containers));
    this.checker = new Checker({
      engine: {
        facts: () => Promise.resolve({ ...facts, node: { ...facts.node, name } }),
        observe: () => Promise.resolve(this.#observe()),
        containerSeat: (id) =>
          this.gone.has(id.slice(3))
            ? Promise.reject(new OvrError('not-found', 'waiting', 'gone'))
            : Promise.resolve({ pid: 1, startedAt: '', aliases: new Map([['n-ovr0', this.#aliases(id)]]) }),
      },
      prober: this,
      revision: () => this.revision,
      ...(questions ? { questions } : {}),
      clock: this.clock,
      logger: silentLogger,
      explored: (findings) => this.explored.push(findings),
      suspected: (suspects) => this.suspected.push(suspects),
    });
  }

  enter(id: string): Promise<Inside> {
    if (this.failure) return Promise.reject(this.failure);
    if (this.gone.has(id.slice(3)))
      return Promise.reject(new OvrError('not-running', 'waiting', `${id} is gone`));
    return Promise.resolve({
      resolve: (names) => Promise.resolve({ answers: names.map((name) => this.#answer(name)), mtu: 1450 }),
      ping: ({ node, address }) => {
        const reach = this.unreachable.has(node) || this.unreachable.has(address) ? 'unreachable' : 'ok';
        return Promise.resolve({ node, address, reach, rttMs: 0.2 } satisfies PingFinding);
      },
      close: () => {
        this.visited();
        return Promise.resolve();
      },
    });
  }

  #answer(name: string): NameAnswer {
    return { name, addresses: this.odd.get(name) ?? this.#meanings().get(name) ?? [] };
  }

  #aliases(id: string): string[] {
    return parse(this.containers.find((text) => text.startsWith(`${id.slice(3)}@`)) ?? '').names;
  }

  #observe(): ObservedState {
    const network = { id: 'n-ovr0', name: 'ovr0', driver: 'overlay', scope: 'global' } as const;
    return {
      engine: { ...facts, node: { ...facts.node, name: this.name } },
      networks: [
        {
          ...network,
          attachable: true,
          internal: false,
          labels: {},
          options: {},
          subnets: [],
          createdAtMs: 0,
        },
      ],
      containers: this.containers.map((text): ObservedContainer => {
        const { container, address } = parse(text);
        return {
          ...{ id: `id-${container}`, name: container, image: '', labels: {}, state: 'running' },
          ...{ createdAtMs: 0, health: 'none' },
          endpoints: [{ networkId: network.id, networkName: network.name, ipv4Address: address }],
        };
      }),
    };
  }
}

function parse(text: string): { container: string; address: string; names: string[] } {
  const [, container = '', host = '', names = ''] = /^(\S+)@\.(\d+): ?(.*)$/.exec(text) ?? [];
  return { container, address: `10.0.9.${host}`, names: names.split(' ').filter((name) => name !== '') };
}

function meanings(texts: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const all = new Map<string, string[]>();
  for (const { container, address, names } of texts.map(parse)) {
    for (const name of [container, ...names]) all.set(name, [...(all.get(name) ?? []), address].sort());
  }
  return all;
}

/** Nodes that can ask each other. */
function cluster(containers: Readonly<Record<string, string[]>>): {
  nodes: Map<string, Node>;
  silent: Map<string, string>;
  lose: (error: Error) => void;
  of: (name: string) => Node;
} {
  const nodes = new Map<string, Node>();
  const silent = new Map<string, string>();
  const state: { failure?: Error } = {};
  const questions: Questions = {
    isShared: true,
    ask: async (question): Promise<Answers> => {
      if (state.failure) throw state.failure;
      const asked = [...nodes].filter(([name]) => !silent.has(name));
      const answers = await Promise.all(
        asked.map(async ([name, { checker }]) => [name, await checker.answer(question)] as const),
      );
      return { answers: new Map(answers), silent };
    },
  };
  for (const [name, texts] of Object.entries(containers)) {
    nodes.set(name, new Node(name, texts, () => [...nodes.values()], questions));
  }
  return {
    nodes,
    silent,
    lose: (error) => {
      state.failure = error;
    },
    of: (name) => nodes.get(name)!,
  };
}

/** Lets the time of all nodes pass while something is under way. */
async function during<T>(nodes: readonly Node[], work: Promise<T>): Promise<T> {
  const progress = { isOver: false };
  const end = (): void => {
    progress.isOver = true;
  };
  work.then(end, end);
  while (!progress.isOver) for (const { clock } of nodes) await clock.advanceAsync(100);
  return work;
}

const TWO = { n1: ['a1@.2: nginx'], n2: ['b1@.3: nginx', 'b2@.4: www'] };

describe('a check of the cluster', () => {
  const run = (
    { nodes, of }: ReturnType<typeof cluster>,
    wanted: readonly string[] = [],
  ): ReturnType<Checker['check']> => during([...nodes.values()], of('n1').checker.check(wanted));

  it('is well where all is, and is told to all nodes', async () => {
    const all = cluster(TWO);
    expect(await run(all)).toMatchObject({
      ...{ ok: true, scope: 'cluster', node: 'n1', mismatches: [], failures: [], notes: [] },
      networks: [{ name: 'ovr0', mtu: 1450, names: 5, hosts: ['n1', 'n2'] }],
    });
    expect([...all.nodes.values()].map(({ explored }) => explored.length)).toEqual([1, 1]);
    await run(all, ['ovr0']);
    // One network alone says nothing about all.
    expect(all.of('n1').explored).toHaveLength(1);
  });

  it('finds what is odd on one node, and takes back what was only late', async () => {
    const all = cluster(TWO);
    all.of('n2').odd.set('nginx', ['10.0.9.2']);
    expect((await run(all)).mismatches).toMatchObject([{ name: 'nginx', verdict: 'missing', nodes: ['n2'] }]);
    let looks = 0;
    const answers = all.of('n2').odd;
    const original = answers.get.bind(answers);
    answers.get = (name) => {
      if (name === 'nginx') looks += 1;
      return looks > 1 ? undefined : original(name);
    };
    expect(await run(all)).toMatchObject({ ok: true });
  });

  it('tells all nodes which endpoints others do not find, and only after a look at all networks', async () => {
    const all = cluster(TWO);
    all.of('n1').unreachable.add('10.0.9.3');
    all.of('n1').odd.set('www', []);
    expect((await run(all)).unreached).toMatchObject([{ container: 'b1', node: 'n2', from: ['n1'] }]);
    const told = [...all.nodes.values()].map(({ suspected }) =>
      suspected.map((suspects) => suspects.map(({ kind, container }) => `${kind} ${container}`)),
    );
    expect(told).toEqual([[['name b2', 'address b1']], [['name b2', 'address b1']]]);
    await run(all, ['ovr0']);
    all.of('n1').unreachable.clear();
    all.of('n1').odd.clear();
    await run(all);
    expect(all.of('n2').suspected).toHaveLength(1);
  });

  it('shows hosts that are not reached, and nodes that do not answer', async () => {
    const all = cluster(TWO);
    all.of('n1').unreachable.add('n2');
    const report = await run(all);
    expect(report.networks[0]?.cells.map(({ reach }) => reach)).toEqual(['ok', 'unreachable', 'ok', 'ok']);
    all.silent.set('n2', 'is away');
    const alone = await run(all);
    expect(alone.ok).toBe(false);
    expect(alone.networks[0]?.cells.map(({ reach }) => reach)).toEqual([
      'ok',
      ...Array<string>(3).fill('no-answer'),
    ]);
    // Whoever is silent may hold names too.
    expect(alone.mismatches).toEqual([]);
  });

  it('lets another container ask where the first has gone, and holds its end against nobody', async () => {
    const all = cluster(TWO);
    const n2 = all.of('n2');
    all.of('n1').visited = () => {
      n2.gone.add('b1');
      n2.containers = ['b2@.4: www'];
    };
    const report = await run(all);
    expect(report.mismatches).toEqual([]);
    expect(report.failures).toEqual([]);
    expect(report.networks[0]?.cells.find(({ from }) => from === 'n2')).toMatchObject({ reach: 'ok' });
  });

  it('says what keeps a node from entering', async () => {
    const all = cluster(TWO);
    all.of('n2').failure = new OvrError('invalid-request', 'invalid', 'install util-linux');
    const report = await run(all);
    expect(report.failures).toMatchObject([{ node: 'n2', network: 'ovr0', message: 'install util-linux' }]);
    expect(report.networks[0]?.cells.at(-1)).toMatchObject({
      reach: 'failed',
      message: 'install util-linux',
    });
  });

  it('checks this node alone without the coordinator, and is not well then', async () => {
    const all = cluster(TWO);
    all.lose(new OvrError('coordinator-unreachable', 'transient', 'no session'));
    const report = await run(all);
    expect(report).toMatchObject({ ok: false, scope: 'node' });
    expect(report.failures).toMatchObject([
      { network: '', message: expect.stringMatching(/cannot be asked \(no session\)/) as string },
    ]);
    expect(report.networks[0]?.hosts).toEqual(['n1']);
  });

  it.each(['nope', ''])('refuses the network "%s"', async (name) => {
    await expect(run(cluster(TWO), [name])).rejects.toMatchObject({
      code: 'network-not-found',
      message: expect.stringMatching(/there are ovr0/) as string,
    });
  });

  it('tells of declared aliases that are not there', async () => {
    const all = cluster(TWO);
    const n1 = all.of('n1');
    n1.revision = revision([declared('a1', { networks: [attach('ovr0', 'shop')] })]);
    // It is not ours, so what a manifest says of its name is not about it.
    expect((await run(all)).ok).toBe(true);
  });

  it('answers a question that it does not know', async () => {
    const { checker } = cluster(TWO).of('n1');
    for (const question of ['{"type":"future"}', 'rubbish', '{"type":"probe"}']) {
      expect(JSON.parse(await checker.answer(question))).toMatchObject({ type: 'problem' });
    }
  });
});

describe('a check of a node alone', () => {
  it('takes more answers than it can know of, and says so', async () => {
    const node: Node = new Node('n1', ['a1@.2: nginx'], () => [node]);
    node.odd.set('nginx', ['10.0.9.2', '10.0.9.9']);
    const report = await during([node], node.checker.check([]));
    expect(report).toMatchObject({
      ok: true,
      scope: 'node',
      notes: [expect.stringMatching(/^only the containers of this/)],
    });
  });

  it('tells of an embedded DNS that is silent', async () => {
    const node: Node = new Node('n1', ['a1@.2: nginx'], () => [node]);
    node.enter = () =>
      Promise.resolve({
        resolve: (names) =>
          Promise.resolve({ answers: names.map((name) => ({ name, addresses: [], error: 'ETIMEOUT' })) }),
        ping: ({ node: to, address }) => Promise.resolve({ node: to, address, reach: 'ok' }),
        close: () => Promise.resolve(),
      });
    const report = await during([node], node.checker.check([]));
    expect(report.ok).toBe(false);
    expect(report.failures).toMatchObject([
      { message: expect.stringMatching(/embedded DNS does not answer in container a1/) as string },
    ]);
  });
});

describe('checking again and again', () => {
  const routine = (isFirst: boolean): { clock: FakeClock; checks: () => number; routine: Routine } => {
    const clock = new FakeClock();
    let checks = 0;
    const check = (): Promise<void> => {
      checks += 1;
      return checks === 2 ? Promise.reject(new Error('no engine')) : Promise.resolve();
    };
    const made = new Routine({
      ...{
        intervalMs: 60_000,
        check,
        isFirst: () => isFirst,
        clock,
        logger: silentLogger,
        random: () => 0.5,
      },
    });
    made.start();
    return { clock, checks: () => checks, routine: made };
  };

  it('goes on after a failure, until it is stopped', async () => {
    const { clock, checks, routine: made } = routine(true);
    await clock.advanceAsync(59_000);
    expect(checks()).toBe(0);
    await clock.advanceAsync(181_500);
    expect(checks()).toBe(4);
    made.stop();
    await clock.advanceAsync(600_000);
    expect(checks()).toBe(4);
  });

  it('leaves it to others who were quicker', async () => {
    const { clock, checks, routine: made } = routine(false);
    for (let minute = 0; minute < 10; minute += 1) {
      await clock.advanceAsync(60_000);
      made.looked();
    }
    expect(checks()).toBe(0);
    await clock.advanceAsync(83_000);
    expect(checks()).toBe(1);
  });
});
