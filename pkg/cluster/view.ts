import { compareStrings, objectKey, type ObjectKey } from '../api/index.ts';
import { literalNode } from '../constraint/index.ts';
import type { ContainerObject, Revision } from '../manifest/index.ts';
import type {
  AgentStatus,
  ClusterAlias,
  ClusterContainer,
  ClusterNetwork,
  ClusterView,
  CoordinatorStatus,
  NodeStatus,
} from '../reconcile/index.ts';
import { aliasCondition, withHolders, type HolderFact } from '../plan/index.ts';
import { readBindings, type Bindings } from './bindings.ts';
import { readDecision } from './decision.ts';
import { readMember, type Member } from './member.ts';
import { inParallel } from './parallel.ts';
import { DECISION_PATH, decodeName, FOLDERS, memberPath, partsByNode, reportPath } from './paths.ts';
import { readReport, type Report } from './report.ts';
import type { CoordinationStore } from './store.ts';
import type { SwarmDiscovery } from './swarm-discovery.ts';

export interface ViewInput {
  readonly store: Pick<CoordinationStore, 'get' | 'children'>;
  readonly here: AgentStatus;
  readonly coordinator: CoordinatorStatus;
  /** Nodes that this agent has given up, where it leads. */
  readonly lost: ReadonlySet<string>;
  readonly revision?: Revision;
  readonly discovery?: SwarmDiscovery;
  /** Who holds which alias, by name of the Alias, on all nodes. */
  readonly holders: ReadonlyMap<string, readonly HolderFact[]>;
}

/** Everything that was read, before it is put together. */
interface Sight {
  readonly present: ReadonlySet<string>;
  readonly members: ReadonlyMap<string, Member>;
  readonly reports: ReadonlyMap<string, Report>;
  readonly bindings: ReadonlyMap<string, Bindings>;
  readonly unplaced: ReadonlyMap<string, string>;
  readonly swarm: ReadonlySet<string>;
}

type ShownCondition = ClusterContainer['condition'];

/** Reads what all agents have written down and puts it together with this agent's manifests. */
export async function viewCluster(
  input: ViewInput,
): Promise<{ view: ClusterView; otherRevisions: readonly string[] }> {
  const sight = await readAll(input);
  const owners = ownersOf(input.revision, sight);
  const own = input.here.revision?.digest;
  const otherRevisions = [...sight.reports]
    .filter(([, { revision }]) => revision !== '' && own !== undefined && revision !== own)
    .map(([node]) => node)
    .sort(compareStrings);
  const containers = showContainers(input, sight, owners);
  const view = {
    coordinator: input.coordinator,
    nodes: [...showNodes(input, sight, owners), ...showSwarm(sight)],
    containers,
    networks: showNetworks(input, containers, sight),
    aliases: showAliases(input),
  };
  return { view, otherRevisions };
}

async function readAll({ store, discovery }: ViewInput): Promise<Sight> {
  const names = (await store.children(FOLDERS.members)).map(decodeName).filter((name) => name !== undefined);
  const bound = [...partsByNode(await store.children(FOLDERS.bindings)).keys()];
  const members = new Map<string, Member>();
  const reports = new Map<string, Report>();
  const bindings = new Map<string, Bindings>();
  await inParallel(names, async (node) => {
    const member = await store.get(memberPath(node));
    const memberRead = member && readMember(memberPath(node), member.data);
    if (memberRead?.ok) members.set(node, memberRead.value);
    const report = await store.get(reportPath(node));
    const reportRead = report && readReport(reportPath(node), report.data);
    if (reportRead?.ok) reports.set(node, reportRead.value);
  });
  await inParallel(bound, async (node) => {
    const read = await readBindings(store, node);
    if (read?.ok) bindings.set(node, read.value.bindings);
  });
  const decision = await store.get(DECISION_PATH);
  const decisionRead = decision && readDecision(decision.data);
  const swarm = new Set(discovery ? await discovery.entries().catch(() => []) : []);
  return {
    present: new Set(names),
    members,
    reports,
    bindings,
    unplaced: decisionRead?.ok ? decisionRead.value.unplaced : new Map<string, string>(),
    swarm,
  };
}

/** Node of each container that has one, by container name. */
function ownersOf(revision: Revision | undefined, { bindings, present }: Sight): Map<string, string> {
  const owners = new Map<string, string>();
  for (const [node, { names }] of bindings) for (const name of names) owners.set(name, node);
  const byLowerName = new Map([...present].map((node) => [node.toLowerCase(), node]));
  for (const container of containersOf(revision)) {
    const pin = literalNode(container.spec.nodeConstraint);
    if (pin === undefined) continue;
    owners.set(container.name, present.has(pin) ? pin : (byLowerName.get(pin.toLowerCase()) ?? pin));
  }
  return owners;
}

function containersOf(revision: Revision | undefined): ContainerObject[] {
  return [...(revision?.objects.values() ?? [])].filter((object) => object.kind === 'Container');
}

function showNodes(input: ViewInput, sight: Sight, owners: ReadonlyMap<string, string>): NodeStatus[] {
  const requested = requestsByNode(input.revision, owners);
  const names = new Set([...sight.present, ...namesThatMatter(sight)]);
  return [...names].sort(compareStrings).map((name) => {
    const member = sight.members.get(name);
    const report = sight.reports.get(name);
    const isHere = name === input.here.node;
    return {
      name,
      state: stateOf(name, input, sight),
      isLeader: input.coordinator.leader === name && sight.present.has(name),
      ...(member ? shownMember(member, sight.swarm) : {}),
      requested: requested.get(name) ?? { nanoCpus: 0, memoryBytes: 0, containers: 0 },
      ...shownReport(report, isHere ? input.here : undefined),
    };
  });
}

/** Nodes that are away matter while something is bound to them. */
function namesThatMatter({ bindings }: Sight): string[] {
  return [...bindings]
    .filter(([, { names, leaving }]) => names.length + leaving.length > 0)
    .map(([node]) => node);
}

function stateOf(name: string, { lost }: ViewInput, { present }: Sight): NodeStatus['state'] {
  if (present.has(name)) return 'up';
  return lost.has(name) ? 'lost' : 'away';
}

function shownMember(member: Member, swarm: ReadonlySet<string>): Partial<NodeStatus> {
  const { facts, nanoCpus, memoryBytes, engine, version, address } = member;
  const { role, os, arch, labels, engineLabels } = facts;
  const isInSwarm = [...swarm].some((entry) => hostOf(entry) === address);
  return {
    version,
    engine,
    host: { address, role, os, arch, labels, engineLabels, nanoCpus, memoryBytes },
    ...(isInSwarm ? { inSwarmDiscovery: true } : {}),
  };
}

/** What this agent knows of itself is newer than its own report. */
function shownReport(
  report: Report | undefined,
  here: AgentStatus | undefined,
): Pick<NodeStatus, 'revision' | 'applied' | 'converged' | 'conditions'> {
  const conditions = report?.conditions ?? [];
  const told = here ? toldHere(here) : report;
  if (!told) return { conditions };
  const { revision, applied, converged } = told;
  return {
    ...(revision === '' ? {} : { revision }),
    ...(applied === '' ? {} : { applied }),
    converged,
    conditions,
  };
}

function toldHere({
  revision,
  applied,
  converged,
}: AgentStatus): Pick<Report, 'revision' | 'applied' | 'converged'> {
  return { revision: revision?.digest ?? '', applied: applied?.digest ?? '', converged };
}

/** Hosts that are only registered with classic Swarm. */
function showSwarm({ swarm, members }: Sight): NodeStatus[] {
  const addresses = new Set([...members.values()].map(({ address }) => address));
  return [...swarm]
    .filter((entry) => !addresses.has(hostOf(entry)))
    .sort(compareStrings)
    .map((entry) => ({
      name: entry,
      state: 'swarm',
      isLeader: false,
      requested: { nanoCpus: 0, memoryBytes: 0, containers: 0 },
      conditions: [],
      inSwarmDiscovery: true,
    }));
}

function hostOf(entry: string): string {
  return entry.slice(0, Math.max(0, entry.lastIndexOf(':')));
}

function requestsByNode(
  revision: Revision | undefined,
  owners: ReadonlyMap<string, string>,
): Map<string, NodeStatus['requested']> {
  const byNode = new Map<string, NodeStatus['requested']>();
  for (const { name, spec } of containersOf(revision)) {
    const node = owners.get(name);
    if (node === undefined) continue;
    const before = byNode.get(node) ?? { nanoCpus: 0, memoryBytes: 0, containers: 0 };
    byNode.set(node, {
      nanoCpus: before.nanoCpus + (spec.resources.requests.nanoCpus ?? 0),
      memoryBytes: before.memoryBytes + (spec.resources.requests.memoryBytes ?? 0),
      containers: before.containers + 1,
    });
  }
  return byNode;
}

function showContainers(
  input: ViewInput,
  sight: Sight,
  owners: ReadonlyMap<string, string>,
): ClusterContainer[] {
  const conditions = conditionsByNode(input, sight);
  const leaving = leavingByName(sight);
  return containersOf(input.revision)
    .sort((a, b) => compareStrings(a.name, b.name))
    .map(({ key, name, spec }): ClusterContainer => {
      const node = owners.get(name);
      if (node === undefined) {
        const from = leaving.get(name);
        const reason = sight.unplaced.get(name) ?? (from ? `moves once ${from} has stopped it` : undefined);
        const type = sight.unplaced.has(name) ? 'Unschedulable' : 'Waiting';
        return {
          key,
          by: 'unplaced',
          condition: { type, message: reason ?? 'waits for the leader to place it' },
        };
      }
      const by = literalNode(spec.nodeConstraint) === undefined ? 'bound' : 'pinned';
      return { key, node, by, condition: shownCondition({ key, node }, conditions, sight) };
    });
}

function leavingByName({ bindings }: Sight): Map<string, string> {
  const byName = new Map<string, string>();
  for (const [node, { leaving }] of bindings) for (const name of leaving) byName.set(name, node);
  return byName;
}

type Conditions = ReadonlyMap<string, ReadonlyMap<ObjectKey, ShownCondition>>;

function conditionsByNode({ here }: ViewInput, { reports }: Sight): Conditions {
  const byNode = new Map<string, Map<ObjectKey, ShownCondition>>();
  for (const [node, { conditions }] of reports) {
    byNode.set(node, new Map(conditions.map(({ key, type, message }) => [key, { type, message }])));
  }
  const own = here.objects.map(({ key, condition: { type, message } }) => [key, { type, message }] as const);
  byNode.set(here.node, new Map(own));
  return byNode;
}

function shownCondition(
  { key, node }: { key: ObjectKey; node: string },
  conditions: Conditions,
  { present, reports }: Sight,
): ShownCondition {
  const told = conditions.get(node)?.get(key);
  if (told) return told;
  if (!present.has(node)) return { type: 'Waiting', message: `node ${node} is away: its state is not known` };
  if (!reports.has(node)) return { type: 'Progressing', message: `node ${node} has not reported yet` };
  return { type: 'Ready', message: 'as declared' };
}

/** Nodes of a network are those whose containers are meant to be on it; its condition is the worst that one of them tells. */
function showNetworks(
  input: ViewInput,
  containers: readonly ClusterContainer[],
  sight: Sight,
): ClusterNetwork[] {
  const nodes = nodesByNetwork(input.revision, containers);
  const conditions = conditionsByNode(input, sight);
  return [...(input.revision?.objects.values() ?? [])]
    .filter((object) => object.kind === 'Network')
    .sort((a, b) => compareStrings(a.name, b.name))
    .map(({ key, name }) => {
      const on = [...(nodes.get(name) ?? [])].sort(compareStrings);
      const told = [...on, input.here.node]
        .map((node) => conditions.get(node)?.get(key))
        .filter((condition) => condition !== undefined);
      const bad = told.find(({ type }) => type !== 'Ready' && type !== 'NotHere');
      return { key, nodes: on, condition: bad ?? told[0] ?? { type: 'Ready', message: 'as declared' } };
    });
}

/** What this agent's manifests declare, with the holders of all nodes. */
function showAliases({ here, holders }: ViewInput): ClusterAlias[] {
  return here.aliases.map((known) => {
    const view = withHolders({ ...known, isComplete: true }, holders.get(known.name) ?? []);
    return { ...view, key: objectKey('Alias', known.name), condition: aliasCondition(view) };
  });
}

function nodesByNetwork(
  revision: Revision | undefined,
  containers: readonly ClusterContainer[],
): Map<string, Set<string>> {
  const owners = new Map(containers.map(({ key, node }) => [key, node]));
  const byNetwork = new Map<string, Set<string>>();
  for (const { name, spec } of containersOf(revision)) {
    const node = owners.get(objectKey('Container', name));
    for (const { name: network } of spec.networks ?? []) {
      const nodes = byNetwork.get(network) ?? new Set();
      byNetwork.set(network, node === undefined ? nodes : nodes.add(node));
    }
  }
  return byNetwork;
}
