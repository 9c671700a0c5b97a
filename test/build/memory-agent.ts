/** The real agent in this process, on an engine in memory, with the settings a user would give it. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAgent, systemClock, type Agent } from '../../pkg/agent/index.ts';
import { parseZooKeeperAddress, silentLogger } from '../../pkg/api/index.ts';
import type { CoordinationStore } from '../../pkg/cluster/index.ts';
import { loadConfig } from '../../pkg/config/index.ts';
import { createClient, type AgentClient } from '../../pkg/server/index.ts';
import { createZooKeeperStore } from '../../pkg/zookeeper/index.ts';

export interface MemoryAgent {
  readonly agent: Agent;
  readonly client: AgentClient;
  readonly socket: string;
}

/** `settings`: flags without their dashes. Its socket and state are in `folder`, which is made. Whoever starts it stops it. */
export async function startMemoryAgent(
  folder: string,
  settings: Readonly<Record<string, string>>,
): Promise<MemoryAgent> {
  await mkdir(folder, { recursive: true });
  const socket = join(folder, 'ovrd.sock');
  const all = { engine: 'memory', socket, listen: 'none', 'state-dir': join(folder, 'state'), ...settings };
  const argv = Object.entries(all).map(([flag, value]) => `--${flag}=${value}`);
  const loaded = await loadConfig({ argv, env: {}, readFile: (path) => readFile(path, 'utf8') });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded));
  const agent = await createAgent(loaded.config, { clock: systemClock, logger: silentLogger });
  await agent.start();
  return { agent, client: createClient({ socketPath: socket }), socket };
}

/** A client of a tree in a real ZooKeeper, as an operator with other tools would have, and perhaps `auth`. Whoever opens it stops it. */
export function openTree(server: string, root: string, auth?: string): CoordinationStore {
  const address = parseZooKeeperAddress(`zk://${server}${root}`);
  if (typeof address === 'string') throw new Error(address);
  const store = createZooKeeperStore({
    address,
    ...(auth === undefined ? {} : { auth }),
    sessionTimeoutMs: 4_000,
    clock: systemClock,
    logger: silentLogger,
    random: Math.random,
  });
  store.start(() => undefined);
  return store;
}
