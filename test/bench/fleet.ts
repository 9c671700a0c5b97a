/** Containers that ovrd looks after, and as many beside them that nobody does: what ovr does to the first is done by hand to the second. */
import type { Ovrd } from '../tools/ovrd.ts';
import { eachOf } from './each.ts';
import { ManifestFolder, type Stage, converged, withOvrd } from './stage.ts';
import { type Workload, containerBody, manifests, networkBody, workload } from './workload.ts';

export interface Fleet {
  readonly stage: Stage;
  readonly ovrd: Ovrd;
  readonly cared: Workload;
  /** On a network of its own, which ovrd does not know. */
  readonly bare: Workload;
}

/** Fewer than five repairs of one container, or ovr takes it for flapping: so each is broken once. */
export async function withFleet<T>(
  stage: Stage,
  count: number,
  work: (fleet: Fleet) => Promise<T>,
): Promise<T> {
  await stage.clean();
  const cared = workload(count, 'cared', 9);
  const bare = workload(count, 'bare', 10);
  const folder = await ManifestFolder.make();
  folder.write(manifests(cared));
  try {
    await startBare(stage, bare);
    return await withOvrd({ socket: stage.host.socket, manifests: folder.path }, async (ovrd) => {
      await converged(ovrd);
      return work({ stage, ovrd, cared, bare });
    });
  } finally {
    await folder.remove();
    await stage.clean();
  }
}

async function startBare({ api }: Stage, bare: Workload): Promise<void> {
  await api.createNetwork(networkBody(bare));
  const body = containerBody(bare);
  await eachOf(bare.containers, 4, async (name) => {
    await api.post(await api.createContainer(name, body), 'start');
  });
}
