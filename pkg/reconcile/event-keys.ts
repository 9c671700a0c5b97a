import { objectKey, type ObjectKey } from '../api/index.ts';
import { objectNameOf } from '../plan/index.ts';
import type { EngineEvent } from './ports.ts';

/** The objects an engine event may be about; none where it does not say. */
export function keysTouched(event: Extract<EngineEvent, { type: 'changed' }>): ObjectKey[] {
  const container =
    event.containerName === undefined ? [] : [objectKey('Container', objectNameOf(event.containerName))];
  const network = event.networkName === undefined ? [] : [objectKey('Network', event.networkName)];
  return [...container, ...network];
}
