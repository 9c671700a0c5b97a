import { describe, expect, test } from 'vitest';
import { attach, container, network } from '../../test/build/objects.ts';
import { conditionOf, containerOf, facts, networkOf, outline, planCase } from '../../test/build/observed.ts';
import { formatCause } from '../api/index.ts';
import type { ContainerObject } from '../manifest/index.ts';
import type { ContainerState, ObservedContainer, ObservedNetwork } from '../state/index.ts';
import type { EndpointRequest } from './action.ts';
import type { PlanMemory } from './input.ts';

const ovr0 = network('ovr0', { ipam: { subnet: '10.0.9.0/24' } });
const web = container('web', { networks: [attach('ovr0', 'nginx')] });
const pinned = container('web', { networks: [{ ...attach('ovr0', 'nginx'), ipv4Address: '10.0.9.10' }] });

/** The container as the engine shows it, at an address. */
function at(
  address: string,
  given: { state?: ContainerState; aliases?: string[]; requested?: string } = {},
): ObservedContainer {
  const bare = containerOf(web, { state: given.state ?? 'running' });
  const requestedIpv4 = new Map(given.requested ? [['id-ovr0', given.requested]] : []);
  const aliases = new Map([['id-ovr0', given.aliases ?? ['nginx']]]);
  return {
    ...bare,
    endpoints: [{ networkId: 'id-ovr0', networkName: 'ovr0', ipv4Address: address }],
    details: { ...bare.details!, aliases, requestedIpv4 },
  };
}

/** Somebody else's container on the network. */
function other(address: string): ObservedContainer {
  return { ...at(address), id: 'other', name: 'other', labels: {} };
}

/** What is remembered of the object. */
function remembers(address: string, object: ContainerObject = web, refused?: string): PlanMemory {
  return {
    applied: new Map([
      [ovr0.key, { digest: ovr0.digest, addresses: {} }],
      [object.key, { digest: object.digest, addresses: address ? { ovr0: address } : {} }],
    ]),
    createdIds: new Set(),
    failedUpdates: new Map(),
    phases: new Map(),
    givenUp: new Map(refused ? [[object.key, new Map([['ovr0', refused]])]] : []),
  };
}

interface Case {
  readonly object?: ContainerObject;
  readonly containers?: readonly ObservedContainer[];
  readonly network?: Partial<ObservedNetwork>;
  readonly memory?: PlanMemory;
  readonly apiVersion?: string;
}

function planned(given: Case): ReturnType<typeof planCase> {
  return planCase({
    objects: [ovr0, given.object ?? web],
    observed: {
      engine: { ...facts, apiVersion: given.apiVersion ?? '1.41' },
      networks: [networkOf(ovr0, given.network)],
      containers: given.containers ?? [],
    },
    memory: given.memory ?? remembers(''),
  });
}

/** The endpoint that the plan asks for. */
function request(given: Case): Pick<EndpointRequest, 'ipv4Address' | 'addressOrigin'> | undefined {
  const steps = planned(given).objects.flatMap((object) => object.steps);
  for (const step of steps) {
    const endpoint =
      step.type === 'ConnectEndpoint'
        ? step.endpoint
        : step.type === 'CreateContainer'
          ? step.container.endpoint
          : undefined;
    if (endpoint) {
      const { ipv4Address, addressOrigin } = endpoint;
      return ipv4Address === undefined || addressOrigin === undefined ? {} : { ipv4Address, addressOrigin };
    }
  }
  return undefined;
}

function causes(given: Case): string[] {
  return planned(given).verdicts.flatMap((verdict) => verdict.causes.map(formatCause));
}

const kept = (ipv4Address: string): object => ({ ipv4Address, addressOrigin: 'kept' });

describe('the address that an endpoint asks for', () => {
  const renamed = { aliases: ['old'] };
  test.each<[what: string, given: Case, asked: object]>([
    ['an alias changes: the one it has', { containers: [at('10.0.9.4', renamed)] }, kept('10.0.9.4')],
    ['paused: the same', { containers: [at('10.0.9.4', { ...renamed, state: 'paused' })] }, kept('10.0.9.4')],
    [
      'stopped: the one it had',
      { containers: [at('', { ...renamed, state: 'exited' })], memory: remembers('10.0.9.4') },
      kept('10.0.9.4'),
    ],
    [
      'disconnected, or its container removed: the one it had',
      { memory: remembers('10.0.9.4') },
      kept('10.0.9.4'),
    ],
    ['new: any', {}, {}],
    [
      'pinned: that one, whatever it had',
      { object: pinned, memory: remembers('10.0.9.4', pinned) },
      { ipv4Address: '10.0.9.10', addressOrigin: 'pinned' },
    ],
    [
      'pinned, another container has it, and an alias changes: the one it has',
      { object: pinned, containers: [at('10.0.9.4', renamed), other('10.0.9.10')] },
      kept('10.0.9.4'),
    ],
    [
      'pinned, another container has it, and it has none: that one, to fail aloud',
      { object: pinned, containers: [other('10.0.9.10')] },
      { ipv4Address: '10.0.9.10', addressOrigin: 'pinned' },
    ],
    [
      'another container got it meanwhile: any',
      { containers: [other('10.0.9.4')], memory: remembers('10.0.9.4') },
      {},
    ],
    ['the engine has refused it: any', { memory: remembers('10.0.9.4', web, '10.0.9.4') }, {}],
    [
      'the engine has refused another one: still the one it had',
      { memory: remembers('10.0.9.4', web, '10.0.9.5') },
      kept('10.0.9.4'),
    ],
    [
      'the network was made again with another subnet: any',
      { network: { subnets: [{ subnet: '10.0.8.0/24' }] }, memory: remembers('10.0.9.4') },
      {},
    ],
    [
      'outside the range that the engine gives by itself: still that one',
      {
        network: { subnets: [{ subnet: '10.0.9.0/24', ipRange: '10.0.9.128/25' }] },
        memory: remembers('10.0.9.4'),
      },
      kept('10.0.9.4'),
    ],
    [
      'it is the gateway’s now: any',
      {
        network: { subnets: [{ subnet: '10.0.9.0/24', gateway: '10.0.9.4' }] },
        memory: remembers('10.0.9.4'),
      },
      {},
    ],
    ['it is the gateway that Docker chooses: any', { memory: remembers('10.0.9.1') }, {}],
    [
      'it is the last of a smaller subnet: any',
      { network: { subnets: [{ subnet: '10.0.9.0/29' }] }, memory: remembers('10.0.9.7') },
      {},
    ],
    [
      'an alias changes and its address had changed: back to the one it had',
      { containers: [at('10.0.9.5', renamed)], memory: remembers('10.0.9.4') },
      kept('10.0.9.4'),
    ],
    [
      'an alias changes, and the one it had is not to be had: the one it has',
      { containers: [at('10.0.9.5', renamed), other('10.0.9.4')], memory: remembers('10.0.9.4') },
      kept('10.0.9.5'),
    ],
  ])('%s', (_, given, asked) => {
    expect(request(given)).toEqual(asked);
  });
});

describe('an address that changed all the same', () => {
  const changed: Case = { containers: [at('10.0.9.5')], memory: remembers('10.0.9.4') };
  const stuck = (why: string): string[] => [
    `networks[ovr0].ipv4Address: 10.0.9.5 → 10.0.9.4 (AddressChanged, drift); ${why}: the endpoint keeps 10.0.9.5; pin ipv4Address if others rely on it`,
  ];

  test('is drift, and asked for again', () => {
    expect(outline(planned(changed))).toEqual(['Container/web: DisconnectEndpoint ConnectEndpoint']);
    expect(causes(changed)).toEqual([
      'networks[ovr0].ipv4Address: 10.0.9.5 → 10.0.9.4 (AddressChanged, drift); open connections to 10.0.9.5 break: the address changes',
    ]);
  });

  test.each<[what: string, given: Case, why: string]>([
    [
      'another container has it',
      { ...changed, containers: [at('10.0.9.5'), other('10.0.9.4')] },
      'container other has 10.0.9.4',
    ],
    [
      'the engine does not give it',
      { ...changed, memory: remembers('10.0.9.4', web, '10.0.9.4') },
      '10.0.9.4 was given up',
    ],
    [
      'an engine may not be asked for addresses',
      {
        ...changed,
        network: { scope: 'local', labels: {}, subnets: [{ subnet: '10.0.9.0/24', gateway: '10.0.9.1' }] },
      },
      'no subnet is known to be configured for network ovr0',
    ],
  ])('is only told when %s', (what, given, why) => {
    const isForeign = what.includes('asked');
    const objects = isForeign ? [web] : [ovr0, web];
    const plan = planCase({
      objects,
      observed: { networks: [networkOf(ovr0, given.network)], containers: given.containers ?? [] },
      memory: given.memory!,
    });
    expect(outline(plan)).toEqual([]);
    expect(conditionOf(plan, 'Container/web')).toBe('Ready');
    expect(plan.verdicts.flatMap((verdict) => verdict.causes.map(formatCause))).toEqual(stuck(why));
  });

  test.each<[what: string, given: Case]>([
    ['nothing is remembered', { containers: [at('10.0.9.5')] }],
    ['it does not run', { ...changed, containers: [at('', { state: 'restarting' })] }],
    [
      'the network has another subnet now',
      { ...changed, containers: [at('10.0.8.5')], network: { subnets: [{ subnet: '10.0.8.0/24' }] } },
    ],
    [
      'the manifest does not pin it any more, and it is still there',
      { containers: [at('10.0.9.10')], memory: remembers('10.0.9.10') },
    ],
  ])('is no difference when %s', (_, given) => {
    expect(causes({ ...given }).filter((cause) => cause.includes('ipv4Address'))).toEqual([]);
  });
});

test('a container that takes the place of another asks for its pinned address whoever has it, so that it fails aloud', () => {
  const { networks } = pinned.spec;
  const newer = container('web', { image: 'newer', ...(networks ? { networks } : {}) });
  const { objects } = planned({ object: newer, containers: [at('10.0.9.4'), other('10.0.9.10')] });
  const made = objects.flatMap(({ steps }) => steps).find(({ type }) => type === 'CreateContainer');
  expect(made).toMatchObject({
    container: { endpoint: { ipv4Address: '10.0.9.10', addressOrigin: 'pinned' } },
  });
});

describe('a pinned address', () => {
  test.each<[what: string, container: ObservedContainer, steps: string[]]>([
    ['differs: the endpoint is made again', at('10.0.9.4'), ['DisconnectEndpoint', 'ConnectEndpoint']],
    ['is there: nothing', at('10.0.9.10'), []],
    ['is there, paused: only that is mended', at('10.0.9.10', { state: 'paused' }), ['UnpauseContainer']],
    [
      'is asked for by one that is stopped: started',
      at('', { state: 'exited', requested: '10.0.9.10' }),
      ['StartContainer'],
    ],
    [
      'is not asked for by one that is stopped: asked for first',
      at('', { state: 'exited', requested: '10.0.9.4' }),
      ['DisconnectEndpoint', 'ConnectEndpoint', 'StartContainer'],
    ],
  ])('%s', (_, found, steps) => {
    const plan = planned({ object: pinned, containers: [found] });
    expect(plan.objects.flatMap((object) => object.steps.map(({ type }) => type))).toEqual(steps);
  });

  test('that another container has leaves the endpoint as it is, and says whose it is', () => {
    const plan = planned({ object: pinned, containers: [at('10.0.9.4'), other('10.0.9.10')] });
    expect(outline(plan)).toEqual([]);
    const verdict = plan.verdicts.find(({ condition }) => condition.key === 'Container/web');
    expect(verdict?.condition).toMatchObject({
      type: 'Waiting',
      message: 'container other has 10.0.9.10: disconnect it, or pin another address',
    });
    expect(verdict?.causes).toMatchObject([
      { reason: 'AddressDiffers', observed: '10.0.9.4', desired: '10.0.9.10' },
    ]);
  });
});

describe('open connections', () => {
  const chosen = { subnets: [{ subnet: '10.0.9.0/24', gateway: '10.0.9.1' }], scope: 'local' } as const;
  const configured = { subnets: [{ subnet: '10.0.9.0/24' }], scope: 'local' } as const;
  const may =
    'open connections may break: no subnet is known to be configured for network ovr0, and then Docker before 29 chooses the address';

  /** The note on an alias change of a container on a network that no manifest declares. */
  function note(
    given: Partial<ObservedNetwork>,
    apiVersion = '1.41',
    state: ContainerState = 'running',
  ): string | undefined {
    const plan = planCase({
      objects: [web],
      observed: {
        engine: { ...facts, apiVersion },
        networks: [networkOf(ovr0, { labels: {}, ...given })],
        containers: [at(state === 'exited' ? '' : '10.0.9.4', { aliases: ['old'], state })],
      },
    });
    const step = plan.objects[0]?.steps.find(({ type }) => type === 'ConnectEndpoint');
    return step?.cause.note;
  }

  test.each<[what: string, found: string | undefined, expected: string | undefined]>([
    ['may break on a network of the engine’s choice', note(chosen), may],
    ['may break too while it is paused', note(chosen, '1.41', 'paused'), may],
    ['are none of a stopped container', note(chosen, '1.41', 'exited'), undefined],
    ['live on where a subnet is known to be configured', note(configured), undefined],
    ['live on in Swarm mode', note({ ...chosen, scope: 'swarm' }), undefined],
    ['live on since Docker 29', note(chosen, '1.52'), undefined],
    ['may break just before Docker 29', note(chosen, '1.51'), may],
    ['live on on a network that ovr made', note({ ...chosen, labels: networkOf(ovr0).labels }), undefined],
    [
      'may break on one that it made without a subnet',
      note({ ...chosen, driver: 'macvlan', labels: networkOf(ovr0).labels }),
      may,
    ],
  ])('%s', (_, found, expected) => {
    expect(found).toBe(expected);
  });
});

describe('the subnet of a network that is made again', () => {
  const plain = network('ovr0');
  const memory = {
    ...remembers(''),
    applied: new Map([[plain.key, { digest: plain.digest, addresses: {}, subnet: '10.64.7.0/24' }]]),
  };
  const subnetOf = (given: Parameters<typeof planCase>[0]): string | undefined => {
    const [step] = planCase(given).objects[0]?.steps ?? [];
    return step?.type === 'CreateNetwork' ? step.network.spec.ipam?.subnet : undefined;
  };

  test.each<[what: string, given: Omit<Parameters<typeof planCase>[0], 'objects'>, subnet: string]>([
    ['is the one it had', { memory }, '10.64.7.0/24'],
    [
      'is the first free one when a route has it',
      { memory, settings: { hostRoutes: ['10.64.7.0/25'] } },
      '10.64.0.0/24',
    ],
    [
      'is the first free one when the pool is another',
      { memory, settings: { subnetPool: '10.96.0.0/16' } },
      '10.96.0.0/24',
    ],
    [
      'is the first free one when another network has it',
      {
        memory,
        observed: {
          networks: [networkOf(network('x'), { labels: {}, subnets: [{ subnet: '10.64.0.0/21' }] })],
        },
      },
      '10.64.8.0/24',
    ],
  ])('%s', (_, given, subnet) => {
    expect(subnetOf({ objects: [plain], ...given })).toBe(subnet);
  });

  test('is not given to a new network of another name', () => {
    const plan = planCase({
      objects: [network('a'), plain],
      memory,
      settings: { subnetPool: '10.64.7.0/24' },
    });
    const made = plan.objects.flatMap(({ key, steps }) => (steps.length > 0 ? [key] : []));
    expect(made).toEqual(['Network/ovr0']);
    expect(conditionOf(plan, 'Network/a')).toBe('Failed');
  });
});
