import { readOwnership } from '../../pkg/api/index.ts';
import type { ContainerRecord } from '../../pkg/reconcile/simulated/index.ts';
import type { Machine } from './machine.ts';

interface Entry {
  readonly address: string;
  /** `asked`: the agent has taken the endpoint off for its address; `off`: and it was seen so. */
  phase: 'settled' | 'asked' | 'off';
}

/**
 * Which address each endpoint had first: another one is drift, for which an agent may take the endpoint off once. What it comes back with then
 * is the address to keep. Kept by the simulation's own eyes, not by what the agent remembers.
 */
export class AddressBook {
  readonly #entries = new Map<string, Entry>();

  /** Takes in how the endpoints of a machine's own containers stand now. */
  look(machine: Machine): void {
    const there = new Map(
      [...machine.host.containers.values()]
        .filter(({ state, labels }) => state === 'running' && readOwnership(labels)?.cluster === 'sim')
        .flatMap((container) =>
          [...container.endpoints.values()]
            .filter(({ isAttached, ipv4Address }) => isAttached && ipv4Address !== '')
            .map(
              ({ networkId, ipv4Address }) => [keyOf(machine, container, networkId), ipv4Address] as const,
            ),
        ),
    );
    for (const [key, entry] of this.#entries) {
      const isOfMachine = key.startsWith(`${machine.name} `);
      if (isOfMachine && entry.phase === 'asked' && !there.has(key)) entry.phase = 'off';
    }
    for (const [key, address] of there) {
      const isNew = (this.#entries.get(key)?.phase ?? 'off') === 'off';
      if (isNew) this.#entries.set(key, { address, phase: 'settled' });
    }
  }

  /** Whether an endpoint has another address than it had, so that it may be made again. */
  hasChanged(machine: Machine, container: ContainerRecord, network: string): boolean {
    const endpoint = container.endpoints.get(network);
    const entry = endpoint && this.#entries.get(keyOf(machine, container, endpoint.networkId));
    if (!entry || entry.address === endpoint.ipv4Address) return false;
    if (entry.phase === 'settled') entry.phase = 'asked';
    return true;
  }
}

function keyOf(machine: Machine, container: ContainerRecord, networkId: string): string {
  return `${machine.name} ${readOwnership(container.labels)?.name ?? ''} ${networkId}`;
}
