/** What a constraint can ask about a node. Facts about the host come from its engine, labels also from `--node-label`. */
export interface NodeFacts {
  readonly id: string;
  readonly name: string;
  /** Address that other nodes reach it by; empty where unknown. */
  readonly ip: string;
  /** `worker` outside Swarm mode's managers. */
  readonly role: 'manager' | 'worker';
  readonly os: string;
  /** As the engine says it, for example `x86_64`. */
  readonly arch: string;
  /** Swarm-mode node labels and `--node-label`. */
  readonly labels: Readonly<Record<string, string>>;
  /** The daemon's own labels, with classic Swarm's built-ins (storagedriver, kernelversion, operatingsystem, ostype). */
  readonly engineLabels: Readonly<Record<string, string>>;
}
