import type {
  ContainerObject,
  ContainerSpec,
  ManifestObject,
  NetworkObject,
} from '../../pkg/manifest/index.ts';
import { aliasDigests, containerDigests, networkDigests } from '../../pkg/manifest/digest.ts';
import type { Topology } from '../../pkg/reconcile/simulated/index.ts';
import { attach, container, network } from '../build/objects.ts';
import type { Dice } from './dice.ts';

/** Values that nodes may carry under the label `disk`. */
export const DISKS = ['ssd', 'hdd'] as const;

const MAX_CONTAINERS = 10;
const ALIASES = ['web', 'db', 'cache'] as const;

/** What the manifests declare, and how it changes. */
export class Script {
  readonly #dice: Dice;
  readonly #nodes: readonly string[];
  readonly #topology: Topology;
  readonly objects = new Map<string, ManifestObject>();
  #made = 0;

  constructor(dice: Dice, nodes: readonly string[], topology: Topology) {
    this.#dice = dice;
    this.#nodes = nodes;
    this.#topology = topology;
    for (let count = dice.int(1, 2); count > 0; count -= 1) this.#addNetwork();
    for (let count = dice.int(3, 7); count > 0; count -= 1) this.#addContainer();
  }

  /** Changes one thing; returns what, for the story. */
  change(): string {
    const dice = this.#dice;
    const containers = this.#containers();
    const how = dice.weighted([
      ['add', containers.length < MAX_CONTAINERS ? 3 : 0],
      ['remove', containers.length > 3 ? 2 : 0],
      ['image', 2],
      ['constraint', 3],
      ['reschedule', 2],
      ['networks', 3],
      ['network', 1],
    ] as const);
    if (how === 'add') return `adds ${this.#addContainer().name}`;
    if (how === 'network') return this.#changeNetworks();
    const old = dice.pick(containers);
    if (how === 'remove') {
      this.objects.delete(old.key);
      return `removes ${old.name}`;
    }
    const spec = { ...old.spec, ...this.#difference(how) };
    this.#put(container(old.name, spec));
    return `changes ${how} of ${old.name}`;
  }

  #difference(how: 'image' | 'constraint' | 'reschedule' | 'networks'): Partial<ContainerSpec> {
    const dice = this.#dice;
    switch (how) {
      case 'image':
        return { image: `busybox:${dice.int(1, 9)}` };
      case 'constraint':
        return { nodeConstraint: this.#constraint() };
      case 'reschedule':
        return { reschedule: dice.chance(0.5) ? 'never' : 'on-node-failure' };
      case 'networks':
        return { networks: this.#attachments() };
    }
  }

  #containers(): ContainerObject[] {
    return [...this.objects.values()].filter((object) => object.kind === 'Container');
  }

  #networks(): NetworkObject[] {
    return [...this.objects.values()].filter((object) => object.kind === 'Network');
  }

  #addContainer(): ContainerObject {
    const dice = this.#dice;
    this.#made += 1;
    return this.#put(
      container(`app${this.#made}`, {
        image: `busybox:${dice.int(1, 9)}`,
        nodeConstraint: this.#constraint(),
        reschedule: dice.chance(0.5) ? 'never' : 'on-node-failure',
        networks: this.#attachments(),
      }),
    );
  }

  #constraint(): string[] {
    const dice = this.#dice;
    return dice.weighted([
      [[`node==${dice.pick(this.#nodes)}`], 5],
      [[], 5],
      [[`disk==${dice.pick(DISKS)}`], 2],
      [[`node!=${dice.pick(this.#nodes)}`], 1],
      [['node==*'], 1],
    ]);
  }

  #attachments(): ContainerSpec['networks'] & object {
    const dice = this.#dice;
    return this.#networks()
      .filter(() => dice.chance(0.6))
      .map(({ name }) => attach(name, ...ALIASES.filter(() => dice.chance(0.3))));
  }

  #changeNetworks(): string {
    const networks = this.#networks();
    const used = new Set(
      this.#containers().flatMap(({ spec }) => (spec.networks ?? []).map(({ name }) => name)),
    );
    const unused = networks.find(({ name }) => !used.has(name));
    if (unused && networks.length > 1) {
      this.objects.delete(unused.key);
      return `removes network ${unused.name}`;
    }
    return networks.length < 3 ? `adds network ${this.#addNetwork().name}` : 'changes nothing';
  }

  #addNetwork(): NetworkObject {
    const dice = this.#dice;
    this.#made += 1;
    const driver = this.#topology !== 'single' && dice.chance(0.7) ? 'overlay' : 'bridge';
    return this.#put(network(`net${this.#made}`, { driver }));
  }

  #put<Type extends ManifestObject>(object: Type): Type {
    const made = { ...object, ...digestsOf(object) };
    this.objects.set(made.key, made);
    return made;
  }
}

function digestsOf(object: ManifestObject): { digest: string; specHash: string } {
  switch (object.kind) {
    case 'Container':
      return containerDigests(object, object.spec);
    case 'Network':
      return networkDigests(object, object.spec);
    case 'Alias':
      return aliasDigests(object, object.spec);
  }
}
