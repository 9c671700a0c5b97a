import { errorMessage } from '../api/index.ts';
import type { EngineFacts } from '../state/index.ts';
import type { AgentStatus } from '../reconcile/index.ts';
import { readDocument, writeDocument } from './document.ts';
import { Loop } from './loop.ts';
import { readMember, writeMember, type Member } from './member.ts';
import { CLUSTER_PATH, memberPath } from './paths.ts';
import type { Parts } from './parts.ts';
import type { Znode } from './store.ts';

export type MembershipState =
  | { readonly type: 'unknown' }
  /** Registered over the named connection. */
  | { readonly type: 'joined'; readonly connection: number }
  | { readonly type: 'refused'; readonly reason: string };

/** An engine that does not answer must not keep a node from being a member for longer than this. */
const FACTS_DEADLINE_MS = 5_000;

/**
 * Keeps `members/<node>` there: this agent's word that it lives, and for as long as it is there nobody else of that name acts.
 *
 * Two agents of one name: who comes second finds a foreign instance and is refused. With a copied state folder the instance is the same,
 * and the second takes the first for an earlier run of itself and removes its znode. The first sees its own znode replaced while it lives,
 * which never happens to an earlier run: it takes a new instance and is refused from then on. So one of them stays, and they do not take
 * turns.
 */
export class Membership {
  readonly #parts: Parts;
  readonly #changed: () => void;
  readonly #loop: Loop;
  #state: MembershipState = { type: 'unknown' };
  /** The session in which the own znode was last seen to be there. */
  #ownedIn: string | undefined;
  #facts: EngineFacts | undefined;
  #engine: Pick<AgentStatus['engine'], 'up' | 'message'> = { up: true, message: 'answers' };
  /** What the engine was last reported as, to notice a change. */
  #reported = '';

  /** `changed` is called after each change of state(). */
  constructor(parts: Parts, changed: () => void) {
    this.#parts = parts;
    this.#changed = changed;
    this.#loop = new Loop(parts.loop('membership'), () => this.#round());
  }

  get state(): MembershipState {
    return this.#state;
  }

  /** Whether this agent is registered over the present connection. */
  get isJoined(): boolean {
    const { connection } = this.#parts.contact;
    return this.#state.type === 'joined' && connection !== 0 && this.#state.connection === connection;
  }

  /** Looks again: connected, something seen that others should know, or facts changed. */
  ring(): void {
    this.#loop.ring();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** Takes what a round of this agent found out about its engine. */
  report(status: AgentStatus): void {
    const { up, message } = status.engine;
    const reported = JSON.stringify([up, message, status.engine.version, status.host]);
    if (reported === this.#reported) return;
    this.#reported = reported;
    this.#engine = { up, message };
    this.#loop.ring();
  }

  async #round(): Promise<void> {
    const { contact, options } = this.#parts;
    const { connection } = contact;
    if (connection === 0) return;
    const problem = await this.#checkCluster();
    if (problem !== undefined) {
      this.#refuse(problem, connection);
      return;
    }
    const facts = await this.#askFacts();
    if (!facts) return;
    const node = options.nodeName ?? facts.node.name;
    this.#parts.node = node;
    const path = memberPath(node);
    const znode = await this.#parts.store.get(path, () => this.#loop.ring());
    if (contact.connection !== connection) return;
    const isFree = znode === undefined || znode.mine || (await this.#mayReplace(path, znode));
    if (contact.connection !== connection) return;
    if (!isFree) {
      this.#refuse(taken(node, path, znode), connection);
      return;
    }
    await this.#register(path, znode, { connection, data: this.#describe(facts, node) });
  }

  async #register(
    path: string,
    znode: Znode | undefined,
    { connection, data }: { connection: number; data: string },
  ): Promise<void> {
    if (znode?.mine) this.#join(connection);
    if (await this.#write(path, znode, data)) this.#loop.ring();
  }

  /** The own znode stands over this connection; what it says may take a while to be put right on a slow link. */
  #join(connection: number): void {
    const { contact, troubles } = this.#parts;
    troubles.clear('membership');
    this.#ownedIn = contact.session;
    this.#be({ type: 'joined', connection });
  }

  /** Makes or reads `cluster`; why this agent may not be here, if so. Fails where it cannot be told. */
  async #checkCluster(): Promise<string | undefined> {
    const { store, options, memory, troubles } = this.#parts;
    const znode = await store.get(CLUSTER_PATH, () => this.#loop.ring());
    if (!znode) {
      const data = writeDocument({ name: options.cluster, id: memory.newId() });
      await store.commit([{ type: 'create', path: CLUSTER_PATH, data, ephemeral: false }]);
      return this.#checkCluster();
    }
    const read = readDocument(CLUSTER_PATH, znode.data, (fields) => ({
      name: fields.text('name'),
      id: fields.text('id'),
    }));
    // Who has been here before goes on: what it read then was right, and staying away would only stop containers.
    if (!read.ok && memory.kept.clusterId !== '') {
      troubles.set('cluster', read.problem);
      return undefined;
    }
    if (!read.ok) throw new Error(read.problem);
    troubles.clear('cluster');
    const { name, id } = read.value;
    if (name !== options.cluster) {
      return `another ovr cluster named ${name} uses this path: give this one a path of its own`;
    }
    await this.#noteCluster(id);
    return undefined;
  }

  async #noteCluster(id: string): Promise<void> {
    const { clusterId } = this.#parts.memory.kept;
    if (clusterId === id) return;
    if (clusterId !== '') {
      this.#parts.journal('warning', 'the coordinator has lost its memory; what runs here goes on running');
    }
    await this.#parts.keep({ clusterId: id });
  }

  /** The newest facts; older ones while the engine does not answer. Fails where there are none at all. */
  async #askFacts(): Promise<EngineFacts | undefined> {
    const { clock, facts } = this.#parts;
    try {
      this.#facts = await new Promise<EngineFacts>((resolve, reject) => {
        const cancel = clock.after(FACTS_DEADLINE_MS, () => reject(new Error('no answer')));
        void facts().then(resolve, reject).finally(cancel);
      });
    } catch (error) {
      const message = `cannot join the cluster before the engine has answered: ${errorMessage(error)}`;
      if (!this.#facts) throw new Error(message, { cause: error });
    }
    return this.#facts;
  }

  /** Whether a znode that this session does not own is left over from an earlier run of this very agent. */
  async #mayReplace(path: string, znode: Znode): Promise<boolean> {
    const { memory, contact } = this.#parts;
    const read = readMember(path, znode.data);
    if (!read.ok || read.value.instance !== memory.kept.instance) return false;
    if (this.#ownedIn === undefined || this.#ownedIn !== contact.session) return true;
    // It was mine in this very session, which lives: somebody with my instance has replaced it.
    await this.#parts.keep({ instance: memory.newId() });
    return false;
  }

  /** Writes the own znode if it is not as it should be; true when it has to be looked at again. */
  async #write(path: string, znode: Znode | undefined, data: string): Promise<boolean> {
    const { store } = this.#parts;
    if (znode?.mine) {
      if (znode.data === data) return false;
      await store.commit([{ type: 'set', path, data, version: znode.version }]);
      return false;
    }
    const create = { type: 'create', path, data, ephemeral: true } as const;
    // In one commit: no moment without a member, and whoever replaced it meanwhile wins.
    if (znode) await store.commit([{ type: 'remove', path, version: znode.version }, create]);
    else await store.commit([create]);
    // Read once more, so that there is a watch on it.
    return true;
  }

  #describe(facts: EngineFacts, node: string): string {
    const { options, memory } = this.#parts;
    const { clusterId, epoch, decision, bindings, instance } = memory.kept;
    const member: Member = {
      instance,
      version: options.version,
      address: facts.node.ip,
      facts: { ...facts.node, name: node },
      nanoCpus: Math.max(0, Math.round(facts.cpus * 1e9)),
      memoryBytes: Math.max(0, Math.round(facts.memoryBytes)),
      engine: { kind: facts.kind, version: facts.version, ...this.#engine },
      seen: { clusterId, epoch, decision, bindings },
    };
    return writeMember(member);
  }

  #refuse(reason: string, connection: number): void {
    const { contact, troubles, store } = this.#parts;
    if (contact.connection !== connection) return;
    troubles.set('membership', reason);
    this.#be({ type: 'refused', reason });
    this.#loop.ring(store.sessionTimeoutMs());
  }

  #be(state: MembershipState): void {
    if (JSON.stringify(state) === JSON.stringify(this.#state)) return;
    this.#state = state;
    this.#changed();
  }
}

function taken(node: string, path: string, znode: Znode): string {
  const read = readMember(path, znode.data);
  const who = read.ok
    ? `the agent at ${read.value.address || 'an unknown address'} (ovr ${read.value.version})`
    : `another agent (${read.problem})`;
  return `node name ${node} is taken by ${who}: give each agent its own --node-name`;
}
