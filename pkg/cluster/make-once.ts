import { OvrError } from '../api/index.ts';
import type { CoordinationStore, Watch } from './store.ts';

/** Makes an empty znode that stays, where there is none; the watch is then that of a look before. Fails with an OvrError. */
export async function makeOnce(
  store: Pick<CoordinationStore, 'get' | 'commit'>,
  path: string,
  watch?: Watch,
): Promise<void> {
  if (await store.get(path, watch)) return;
  try {
    await store.commit([{ type: 'create', path, data: '', ephemeral: false }]);
  } catch (error) {
    // another agent was faster, which is as good
    if (!(error instanceof OvrError) || error.code !== 'coordinator-conflict') throw error;
  }
}
