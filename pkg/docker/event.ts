import type { EngineEvent } from '../reconcile/index.ts';
import type { WireEvent } from './wire.ts';

/** What one event of the engine means to the adapter. */
export interface Meaning {
  /** For those who look at the state; absent when it has not changed. */
  readonly ring?: Extract<EngineEvent, { type: 'changed' }>;
  /** What is known of this container is no longer so. */
  readonly containerId?: string;
  readonly forgetImages?: boolean;
  readonly forgetFacts?: boolean;
}

const NOTHING: Meaning = {};

/** Things that happen to a container and leave its state as it is; health checks do the first three all the time. */
const WITHOUT_CHANGE = new Set([
  'exec_create',
  'exec_start',
  'exec_die',
  'exec_detach',
  'attach',
  'detach',
  'resize',
  'top',
  'copy',
  'export',
  'commit',
  'archive-path',
  'extract-to-dir',
  'checkpoint',
  'kill',
  'oom',
  'prune',
]);

const IMAGE_GOES = new Set(['delete', 'untag', 'prune']);

/** Reads one event, in the form of Docker or of classic Swarm. `nameOf` knows the names of the last list by container ID. */
export function meaningOf(event: WireEvent, nameOf: (id: string) => string | undefined): Meaning {
  const action = actionOf(event);
  switch (event.Type ?? 'container') {
    case 'container':
      return WITHOUT_CHANGE.has(action) ? NOTHING : containerMeaning(event, nameOf);
    case 'network':
      return networkMeaning(event, nameOf);
    case 'image':
      return IMAGE_GOES.has(action) ? { forgetImages: true } : NOTHING;
    case 'daemon':
    case 'node':
    case 'swarm':
      return { ring: { type: 'changed' }, forgetFacts: true };
    default:
      return NOTHING;
  }
}

/** Without what follows the word: `health_status: healthy`, `exec_start: sh -c true`. */
function actionOf({ Action, status }: WireEvent): string {
  const action = Action || status || '';
  return action.split(':')[0] ?? '';
}

function containerMeaning(event: WireEvent, nameOf: (id: string) => string | undefined): Meaning {
  const containerId = event.Actor?.ID || event.id || '';
  const containerName = event.Actor?.Attributes?.['name'] ?? nameOf(containerId);
  return {
    ring: { type: 'changed', ...(containerName ? { containerName: bareName(containerName) } : {}) },
    ...(containerId === '' ? {} : { containerId }),
  };
}

function networkMeaning({ Actor }: WireEvent, nameOf: (id: string) => string | undefined): Meaning {
  const { name: networkName, container: containerId } = Actor?.Attributes ?? {};
  const containerName = containerId === undefined ? undefined : nameOf(containerId);
  return {
    ring: {
      type: 'changed',
      ...(networkName ? { networkName } : {}),
      ...(containerName === undefined ? {} : { containerName }),
    },
    ...(containerId === undefined ? {} : { containerId }),
  };
}

/** Classic Swarm puts the node before it: `node-1/web`. */
function bareName(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}
