import type { Engine } from '../../pkg/reconcile/index.ts';

/** What the contract needs done behind the engine's back; containers and networks go by name. */
export interface ContractHand {
  /** Starts a container that ovr did not make; returns its ID. */
  runContainer(name: string, labels: Readonly<Record<string, string>>): Promise<string>;
  connect(container: string, network: string, aliases: readonly string[]): Promise<void>;
  disconnect(container: string, network: string): Promise<void>;
  stop(container: string): Promise<void>;
  pause(container: string): Promise<void>;
  remove(container: string): Promise<void>;
  /** The environment that the container was made with, as `NAME=value`. */
  env(container: string): Promise<readonly string[]>;
}

/** An engine under test and what belongs to it. */
export interface ContractSubject {
  readonly engine: Engine;
  readonly hand: ContractHand;
  /** An image that the engine has, with a shell and `sleep` in it. */
  readonly imageName: string;
  /** Lets `ms` milliseconds pass. */
  wait(ms: number): Promise<void>;
  dispose(): Promise<void>;
}
