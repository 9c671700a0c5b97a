import { describe, expect, it } from 'vitest';
import { type Meaning, meaningOf } from './event.ts';
import { type WireEvent, eventShape } from './wire.ts';

const names = new Map([['c1', 'web']]);

function meaning(event: WireEvent): Meaning {
  return meaningOf(eventShape.parse(event), (id) => names.get(id));
}

describe('an event', () => {
  it.each<[string, WireEvent, Meaning]>([
    [
      'of a container',
      { Type: 'container', Action: 'die', Actor: { ID: 'c1', Attributes: { name: 'web', exitCode: '0' } } },
      { ring: { type: 'changed', containerName: 'web' }, containerId: 'c1' },
    ],
    [
      'of its health',
      {
        Type: 'container',
        Action: 'health_status: healthy',
        Actor: { ID: 'c1', Attributes: { name: 'web' } },
      },
      { ring: { type: 'changed', containerName: 'web' }, containerId: 'c1' },
    ],
    [
      'without a name, of a container of the last list',
      { Type: 'container', Action: 'die', Actor: { ID: 'c1' } },
      { ring: { type: 'changed', containerName: 'web' }, containerId: 'c1' },
    ],
    [
      'of a container that nobody knows',
      { Type: 'container', Action: 'create', Actor: { ID: 'c2', Attributes: null } },
      { ring: { type: 'changed' }, containerId: 'c2' },
    ],
    [
      'of classic Swarm',
      {
        status: 'start',
        id: 'c1',
        Actor: { Attributes: { name: 'swarm-node-1/web', 'node.name': 'swarm-node-1' } },
      },
      { ring: { type: 'changed', containerName: 'web' }, containerId: 'c1' },
    ],
    [
      'of the form before API 1.22',
      { status: 'die', id: 'c1' },
      { ring: { type: 'changed', containerName: 'web' }, containerId: 'c1' },
    ],
    [
      'of an endpoint',
      {
        Type: 'network',
        Action: 'disconnect',
        Actor: { ID: 'n1', Attributes: { name: 'ovr0', container: 'c1' } },
      },
      { ring: { type: 'changed', networkName: 'ovr0', containerName: 'web' }, containerId: 'c1' },
    ],
    [
      'of an endpoint of somebody',
      {
        Type: 'network',
        Action: 'connect',
        Actor: { ID: 'n1', Attributes: { name: 'ovr0', container: 'c9' } },
      },
      { ring: { type: 'changed', networkName: 'ovr0' }, containerId: 'c9' },
    ],
    [
      'of a network',
      { Type: 'network', Action: 'destroy', Actor: { ID: 'n1', Attributes: { name: 'ovr0' } } },
      { ring: { type: 'changed', networkName: 'ovr0' } },
    ],
    [
      'of an image that goes',
      { Type: 'image', Action: 'untag', Actor: { ID: 'i1' } },
      { forgetImages: true },
    ],
    ['of an image that comes', { Type: 'image', Action: 'pull', Actor: { ID: 'nginx' } }, {}],
    ['of the daemon', { Type: 'daemon', Action: 'reload' }, { ring: { type: 'changed' }, forgetFacts: true }],
    ['of a Swarm node', { Type: 'node', Action: 'update' }, { ring: { type: 'changed' }, forgetFacts: true }],
    [
      'of an engine of classic Swarm',
      { Type: 'swarm', Action: 'engine_connect' },
      { ring: { type: 'changed' }, forgetFacts: true },
    ],
    ['of something else', { Type: 'volume', Action: 'mount' }, {}],
    ['of no known form', {}, { ring: { type: 'changed' } }],
    ['of a check', { Type: 'container', Action: 'exec_start: true', Actor: { ID: 'c1' } }, {}],
    ['of a signal', { Type: 'container', Action: 'kill', Actor: { ID: 'c1' } }, {}],
  ])('%s', (_, event, expected) => {
    expect(meaning(event)).toEqual(expected);
  });
});
