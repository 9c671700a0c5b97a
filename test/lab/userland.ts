/** The root file systems that hosts are layered over. */
import type { EngineKind } from './state.ts';

/** The folder that a host of this engine has as its lower layer. */
export async function userland(engine: EngineKind): Promise<string> {
  if (engine === 'debian') return '/';
  return await Promise.reject(new Error('not yet'));
}
