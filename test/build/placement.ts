import type { NodeFacts } from '../../pkg/constraint/index.ts';
import type { ContainerSpec, PortMapping, ResourceAmounts } from '../../pkg/manifest/index.ts';
import { place, type PlacementInput, type PlacementNode } from '../../pkg/placement/index.ts';
import { container } from './objects.ts';

/** A healthy node whose capacity is not known. */
export function placementNode(
  name: string,
  given: Partial<Omit<PlacementNode, 'facts'>> & { facts?: Partial<NodeFacts> } = {},
): PlacementNode {
  const { facts, ...others } = given;
  const plain: NodeFacts = {
    id: `id-of-${name}`,
    name,
    ip: '',
    role: 'worker',
    os: 'linux',
    arch: 'x86_64',
    labels: {},
    engineLabels: {},
  };
  return { facts: { ...plain, ...facts }, nanoCpus: 0, memoryBytes: 0, ...others };
}

/** Nothing bound, nothing lost, `spread`. */
export function placementInput(
  given: Pick<PlacementInput, 'containers' | 'nodes'> & Partial<PlacementInput>,
): PlacementInput {
  return { current: new Map(), lost: new Set(), strategy: 'spread', ...given };
}

/** `a b:8001 c=0.5`: containers by name, with a host port (`8001@10.0.0.1`, `53/udp`) and requested CPUs. */
export function containers(text: string, spec: Partial<ContainerSpec> = {}): PlacementInput['containers'] {
  return text.split(' ').map((word) => {
    const [, name = '', port, cpus] = /^([a-z0-9]+)(?::([^=]+))?(?:=(.+))?$/.exec(word) ?? [];
    return container(name, { ports: portsOf(port), resources: requests(cpuOf(cpus)), ...spec });
  });
}

function portsOf(text: string | undefined): PortMapping[] {
  if (text === undefined) return [];
  const [, port, udp, hostIp] = /^(\d+)(\/udp)?(?:@(.+))?$/.exec(text) ?? [];
  const base = { hostPort: Number(port), containerPort: 80, protocol: udp ? 'udp' : 'tcp' } as const;
  return [hostIp === undefined ? base : { ...base, hostIp }];
}

function cpuOf(text: string | undefined): ResourceAmounts {
  return text === undefined ? {} : { nanoCpus: Number(text) * 1e9 };
}

/** A container that requests these. */
export function requests(amounts: ResourceAmounts): ContainerSpec['resources'] {
  return { limits: {}, requests: amounts };
}

/** `n1 n2{zone=a} n3=2`: nodes by name, with engine labels and CPUs. */
export function nodes(text: string): PlacementNode[] {
  return text.split(' ').map((word) => {
    const [, name = '', labels, cpus] = /^([a-z0-9]+)(?:\{(.+)\})?(?:=(.+))?$/.exec(word) ?? [];
    const pairs = labels?.split(',').map((pair) => pair.split('=')) ?? [];
    const engineLabels = Object.fromEntries(pairs) as Record<string, string>;
    return placementNode(name, { facts: { engineLabels }, nanoCpus: Number(cpus ?? 0) * 1e9 });
  });
}

/** `a@n1 b@n2`: what is bound. */
export function current(text: string): Map<string, string> {
  return new Map(text.split(' ').map((pair) => pair.split('@') as [string, string]));
}

/** The placement as `a@n1 | b@n2 | c: reason`. */
export function show(input: PlacementInput): string {
  const { bindings, unplaced } = place(input);
  const bound = [...bindings].map(([name, node]) => `${name}@${node}`);
  return [...bound, ...[...unplaced].map(([name, reason]) => `${name}: ${reason}`)].sort().join(' | ');
}
