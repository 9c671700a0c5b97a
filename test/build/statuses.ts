import type { Cause } from '../../pkg/api/index.ts';
import { FakeClock } from '../../pkg/api/index.ts';
import type { ActionRecord, ObjectStatus } from '../../pkg/reconcile/index.ts';
import { fakeObject } from './fake-agent.ts';

/** When a fake clock starts: the ages below are seen from there. */
const NOW_MS = new FakeClock().now();

function before(seconds: number): number {
  return NOW_MS - seconds * 1000;
}

/** An alias that somebody took away. */
export const aliasDrift: Cause = {
  reason: 'AliasesDiffer',
  drift: true,
  field: 'networks[ovr0].aliases',
  observed: '[]',
  desired: '[nginx]',
};

/** The overlay of the article. */
export function network(): ObjectStatus {
  return fakeObject({
    key: 'Network/ovr0',
    kind: 'Network',
    name: 'ovr0',
    origin: { file: '/etc/ovr.d/network.yaml', line: 1 },
    observed: {
      id: 'a'.repeat(64),
      createdAtMs: before(90),
      driver: 'overlay',
      scope: 'global',
      subnets: ['10.0.9.0/24'],
    },
  });
}

/** A container on it, as declared. */
export function container(change: Partial<ObjectStatus> = {}): ObjectStatus {
  return fakeObject({
    origin: { file: '/etc/ovr.d/nginx.yaml', line: 7 },
    condition: { type: 'Ready', message: 'runs as declared', sinceMs: before(30) },
    observed: {
      id: 'b'.repeat(64),
      createdAtMs: before(3600),
      image: 'nginx:1.27',
      state: 'running',
      health: 'healthy',
      endpoints: [{ network: 'ovr0', ipv4Address: '10.0.9.2', aliases: ['nginx', 'web'] }],
    },
    ...change,
  });
}

/** The same container without its alias, while the repair fails. */
export function drifted(): ObjectStatus {
  const record: ActionRecord = {
    timeMs: before(5),
    key: 'Container/nginx_web_1',
    action: 'ConnectEndpoint',
    cause: aliasDrift,
    result: 'ok',
    durationMs: 12,
  };
  const error = { code: 'address-in-use', message: 'the address 10.0.9.2 is in use: free it' };
  return container({
    condition: { type: 'Waiting', message: 'tries again soon', sinceMs: before(65) },
    causes: [aliasDrift],
    history: [
      { ...record, action: 'DisconnectEndpoint', durationMs: 40 },
      { ...record, result: 'failed', error },
    ],
    nextTryMs: NOW_MS + 4000,
  });
}
