import { compareStrings, OvrError, type Healing } from '../../api/index.ts';
import type { NetworkRef } from '../../plan/index.ts';
import type { NetworkEndpoint } from '../../state/index.ts';
import type { Engine } from '../ports.ts';

/** Removes networks; says who still uses one. Removal ends some time after the last endpoint has gone, so it is tried until it succeeds. */
export class NetworkRemover {
  readonly #engine: Pick<Engine, 'removeNetwork' | 'inspectNetwork'>;
  /** What kept networks from going, by ID. */
  readonly #waiting = new Map<string, string>();

  constructor(engine: Pick<Engine, 'removeNetwork' | 'inspectNetwork'>) {
    this.#engine = engine;
  }

  async remove(network: NetworkRef, told: (healing: Healing) => void): Promise<void> {
    const id = network.id ?? network.name;
    try {
      await this.#engine.removeNetwork(id);
    } catch (error) {
      if (!(error instanceof OvrError) || error.code !== 'network-in-use') throw error;
      const users = await this.#users(network);
      this.#waiting.set(id, users);
      throw new OvrError('network-in-use', 'waiting', `${error.message}${users}`, { cause: error });
    }
    const saw = this.#waiting.get(id);
    if (saw === undefined || !this.#waiting.delete(id)) return;
    told({
      playbook: 'await-removal',
      saw: `network ${network.name} was in use${saw}`,
      did: 'waited until it could be removed',
    });
  }

  async #users(network: NetworkRef): Promise<string> {
    try {
      const { endpoints } = await this.#engine.inspectNetwork(network);
      return describe(endpoints);
    } catch {
      return '';
    }
  }
}

/** Names whose endpoints are in the way, and what to do about those that nobody on this host holds. */
function describe(endpoints: readonly NetworkEndpoint[]): string {
  const names = (list: readonly NetworkEndpoint[]): string =>
    list
      .map(({ name }) => name)
      .sort(compareStrings)
      .join(', ');
  const users = endpoints.filter(({ holder }) => !holder?.startsWith('lb-'));
  const here = users.filter(({ holder }) => holder !== undefined);
  const elsewhere = users.filter(({ holder }) => holder === undefined);
  const parts = [
    ...(here.length > 0 ? [`used here by ${names(here)}`] : []),
    ...(elsewhere.length > 0
      ? [
          `used elsewhere, or left over, by ${names(elsewhere)}: where no host has such a container (\`docker ps -a\`), ` +
            '`docker network disconnect -f NETWORK NAME` frees it',
        ]
      : []),
  ];
  return parts.length === 0 ? '' : ` (${parts.join('; ')})`;
}
