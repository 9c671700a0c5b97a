import { objectKey, splitKey, type ObjectKey } from '../api/index.ts';
import { namesOf, objectNameOf } from '../plan/index.ts';
import type { EngineEvent } from './ports.ts';

/** The objects an engine event may be about; none where it does not say. */
export function keysTouched(event: Extract<EngineEvent, { type: 'changed' }>): ObjectKey[] {
  const container =
    event.containerName === undefined ? [] : [objectKey('Container', objectNameOf(event.containerName))];
  const network = event.networkName === undefined ? [] : [objectKey('Network', event.networkName)];
  return [...container, ...network];
}

/** The names that the containers of these objects may bear. */
export function containersOf(keys: ReadonlySet<ObjectKey>): ReadonlySet<string> {
  return new Set([...keys].flatMap((key) => namesOf(splitKey(key).name)));
}
