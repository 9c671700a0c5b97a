/** A process with one agent in it that stands for leader. Its one argument: CandidateOptions as JSON. */
import { z } from 'zod';
import { BenchAgent } from './zookeeper-agent.ts';
import { openStore } from './zookeeper.ts';

const optionsShape = z.object({
  tree: z.object({ port: z.number(), root: z.string(), sessionTimeoutMs: z.number() }),
  node: z.string(),
  nodeLostAfterMs: z.number(),
});
export type CandidateOptions = z.infer<typeof optionsShape>;

/** What it sends: once when it is a member, and whenever it becomes leader or is none any more. */
export const candidateNewsShape = z.union([
  z.object({ type: z.literal('joined') }),
  z.object({ type: z.literal('leads'), isLeader: z.boolean() }),
]);
export type CandidateNews = z.infer<typeof candidateNewsShape>;

function tell(news: CandidateNews): void {
  process.send?.(news);
}

async function main(): Promise<void> {
  process.on('disconnect', () => process.exit());
  const { tree, node, nodeLostAfterMs } = optionsShape.parse(JSON.parse(process.argv[2] ?? ''));
  let wasLeader = false;
  const agent = new BenchAgent({
    node,
    nodeLostAfterMs,
    store: openStore(tree),
    changed: () => {
      const { isLeader } = agent;
      if (isLeader === wasLeader) return;
      wasLeader = isLeader;
      tell({ type: 'leads', isLeader });
    },
  });
  await agent.cluster.start();
  tell({ type: 'joined' });
}

if (process.send !== undefined) await main();
