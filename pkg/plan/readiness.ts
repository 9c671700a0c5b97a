import type { ContainerObject } from '../manifest/index.ts';
import type { ObservedContainer } from '../state/index.ts';

/** Whether a new container may take its place. */
export type Readiness =
  | { readonly state: 'ready'; readonly found: string }
  | { readonly state: 'waiting'; readonly found: string; readonly message: string; readonly againMs: number }
  | { readonly state: 'failed'; readonly found: string; readonly message: string };

/** Without a health check, a container that has run this long counts as ready. */
const STEADY_MS = 1_000;
/** For what no event announces. */
const LOOK_AGAIN_MS = 1_000;

/**
 * How a new container that has been started stands: ready once it is healthy, or, without a health check of its own or of its image, once it
 * has run for a second. One that ended, was started again by the engine, is unhealthy or is not ready in time has failed. All of it is read
 * from the engine, so a restart of the agent changes nothing.
 * @param runMs how long it has run
 */
export function readinessOf(object: ContainerObject, container: ObservedContainer, runMs: number): Readiness {
  const { state, details } = container;
  if (!details || state === 'removing') return waiting(state, 'the engine has not told yet how it stands');
  if (state === 'exited' && details.exitCode === 0 && mayEnd(object))
    return { state: 'ready', found: 'ended' };
  if (state !== 'running' && state !== 'paused') {
    return failed(state, `the new container did not stay up: ${state}, exit code ${details.exitCode}`);
  }
  if (details.restarts > 0) return failed('restarted', 'the new container ended and was started again');
  const leftMs = object.spec.updateStrategy.readyTimeoutMs - runMs;
  if (state === 'paused') return inTime('paused', leftMs, object);
  return healthOf(object, container, { runMs, leftMs });
}

function healthOf(
  object: ContainerObject,
  { health }: ObservedContainer,
  { runMs, leftMs }: { runMs: number; leftMs: number },
): Readiness {
  switch (health) {
    case 'healthy':
      return { state: 'ready', found: 'healthy' };
    case 'unhealthy':
      return failed('unhealthy', 'the health check of the new container fails: unhealthy');
    case 'starting':
      return inTime('health starting', leftMs, object);
    case 'none':
      return runMs >= STEADY_MS
        ? { state: 'ready', found: 'running' }
        : waiting('just started', 'running, not yet for a second', STEADY_MS - runMs);
  }
}

function inTime(found: string, leftMs: number, object: ContainerObject): Readiness {
  const limit = `${object.spec.updateStrategy.readyTimeoutMs / 1_000} s`;
  if (leftMs <= 0) return failed(found, `the new container was not ready within ${limit}: ${found}`);
  return waiting(found, `${found}, at most ${limit} from its start`, leftMs);
}

function waiting(found: string, message: string, againMs = LOOK_AGAIN_MS): Readiness {
  return { state: 'waiting', found, message, againMs };
}

function failed(found: string, message: string): Readiness {
  return { state: 'failed', found, message };
}

/** Whether a container of this policy may end by itself without that being a fault. */
export function mayEnd(object: ContainerObject): boolean {
  return object.spec.restartPolicy.name === 'no' || object.spec.restartPolicy.name === 'on-failure';
}

export function isUp(container: ObservedContainer): boolean {
  return container.state === 'running' || container.state === 'restarting' || container.state === 'paused';
}
