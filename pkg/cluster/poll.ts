import { errorMessage, OvrError, pause } from '../api/index.ts';
import type { Answers, Questions } from '../check/index.ts';
import { readBindings } from './bindings.ts';
import { readDocument, writeDocument, type DocumentRead } from './document.ts';
import { Loop } from './loop.ts';
import { makeOnce } from './make-once.ts';
import { inParallel } from './parallel.ts';
import type { Parts } from './parts.ts';
import { answerPath, answersTo, decodeName, FOLDERS, partsByNode, questionPath } from './paths.ts';

export interface PollDeps {
  /** Whether this agent is a member now. */
  readonly isJoined: () => boolean;
  /** Nodes that something is known to be meant to run on. */
  readonly pinned: () => readonly string[];
  /** This node's answers to questions of any node, by topic. */
  readonly topics: Readonly<Partial<Record<Topic, (question: string) => Promise<string>>>>;
}

/** What questions are about: the network as containers see it; who holds an endpoint. */
export type Topic = 'check' | 'endpoint';

interface Question {
  readonly topic: string;
  readonly text: string;
}

/** When the answers heard so far are enough. */
type Enough = (answers: ReadonlyMap<string, string>) => Promise<boolean>;

/** Nobody asks more at a time, unless something is wrong with it. */
const MAX_AT_ONCE = 8;
const FIRST_LOOK_MS = 50;
const LONGEST_LOOK_MS = 500;

/** A question of the cluster as this node has dealt with it. */
interface Answered {
  text?: string;
  /** In which connection the answer was written. */
  connection: number;
}

/**
 * Asks all agents something, and answers what others ask. A question is an ephemeral znode that all agents see come; each writes its answer
 * beside it and takes it away again with the question. At rest there is one watch of an empty folder for each agent, and no traffic.
 */
export class Poll implements Questions {
  readonly isShared = true;
  readonly #parts: Parts;
  readonly #deps: PollDeps;
  readonly #loop: Loop;
  readonly #answered = new Map<string, Answered>();

  constructor(parts: Parts, deps: PollDeps) {
    this.#parts = parts;
    this.#deps = deps;
    this.#loop = new Loop(parts.loop('polls'), () => this.#round());
  }

  ring(): void {
    this.#loop.ring();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async ask(question: string, deadlineMs: number): Promise<Answers> {
    const members = await this.#members();
    const away = await this.#away(members);
    const answers = await this.put({ topic: 'check', text: question }, deadlineMs, (heard) =>
      Promise.resolve(members.every((node) => heard.has(node))),
    );
    const late = `did not answer within ${deadlineMs / 1000} s: see ovr get nodes`;
    const silent = members.filter((node) => !answers.has(node)).map((node) => [node, late] as const);
    return { answers, silent: new Map([...silent, ...away]) };
  }

  /** Puts a question to all, and hears them until it is enough, or for so long. Fails with an OvrError where nobody can be asked. */
  async put(
    question: { topic: Topic; text: string },
    deadlineMs: number,
    isEnough: Enough,
  ): Promise<ReadonlyMap<string, string>> {
    const { store, clock, memory } = this.#parts;
    if (!this.#deps.isJoined()) {
      throw new OvrError(
        'coordinator-unreachable',
        'transient',
        'this node is not in contact with its cluster',
      );
    }
    const endMs = clock.monotonic() + deadlineMs;
    const path = questionPath(memory.newId());
    await store.commit([{ type: 'create', path, data: writeDocument(question), ephemeral: true }]);
    try {
      return await this.#collect(path, isEnough, endMs);
    } finally {
      // Whoever answered takes its answer back once the question is gone.
      await store.commit([{ type: 'remove', path }]).catch(() => undefined);
    }
  }

  async #members(): Promise<string[]> {
    const names = await this.#parts.store.children(FOLDERS.members);
    return names.map(decodeName).filter((name) => name !== undefined);
  }

  /** Nodes that run something as far as the cluster knows, and are not there to be asked. */
  async #away(members: readonly string[]): Promise<Map<string, string>> {
    const { store } = this.#parts;
    const bound = [...partsByNode(await store.children(FOLDERS.bindings)).keys()];
    const message = 'is away, so nobody can be asked there: see ovr get nodes';
    const present = new Set(members.map((node) => node.toLowerCase()));
    const pinned = this.#deps.pinned().filter((node) => !present.has(node.toLowerCase()));
    const away = new Map(pinned.map((node) => [node, message]));
    await inParallel(
      bound.filter((node) => !members.includes(node)),
      async (node) => {
        const read = await readBindings(store, node);
        const isBusy = read?.ok && read.value.bindings.names.length > 0;
        if (isBusy) away.set(node, message);
      },
    );
    return away;
  }

  /** Looks again and again: a watch would ring for each answer, and each ring would list them all. */
  async #collect(path: string, isEnough: Enough, endMs: number): Promise<Map<string, string>> {
    const { clock, store } = this.#parts;
    const answers = new Map<string, string>();
    for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(waitMs * 1.5, LONGEST_LOOK_MS)) {
      const found = answersTo(path, await store.children(FOLDERS.answers));
      await inParallel(
        [...found].filter(([node]) => !answers.has(node)),
        async ([node, answer]) => {
          const znode = await store.get(answer);
          if (znode) answers.set(node, znode.data);
        },
      );
      if (await isEnough(answers)) return answers;
      const restMs = endMs - clock.monotonic();
      if (restMs <= 0) return answers;
      await pause(clock, Math.min(waitMs, restMs));
    }
  }

  async #round(): Promise<void> {
    const { contact, store } = this.#parts;
    const { connection } = contact;
    if (connection === 0 || !this.#deps.isJoined()) return;
    // A folder that is not there cannot be watched.
    await makeOnce(store, FOLDERS.questions, () => this.#loop.ring());
    const questions = new Set(await store.children(FOLDERS.questions, () => this.#loop.ring()));
    for (const id of this.#answered.keys()) if (!questions.has(id)) await this.#withdraw(id);
    for (const id of questions) {
      const known = this.#answered.get(id);
      if (known) {
        if (known.text !== undefined && known.connection !== connection) await this.#write(id, known);
      } else if (this.#answered.size < MAX_AT_ONCE) {
        const entry: Answered = { connection };
        this.#answered.set(id, entry);
        void this.#answer(id, entry).catch((error: unknown) => this.#failed(error));
      }
    }
  }

  async #answer(id: string, entry: Answered): Promise<void> {
    const path = questionPath(id);
    const znode = await this.#parts.store.get(path);
    const read = znode && readQuestion(path, znode.data);
    if (read?.ok === false) throw new Error(read.problem);
    const text = read && (await this.#answerTo(read.value));
    if (text === undefined) return;
    entry.text = text;
    if (this.#answered.get(id) === entry) await this.#write(id, entry);
  }

  /** Undefined for what this version cannot be asked: it stays silent. */
  async #answerTo({ topic, text }: Question): Promise<string | undefined> {
    const known = Object.entries(this.#deps.topics).find(([name]) => name === topic);
    return known?.[1](text);
  }

  async #write(id: string, entry: Answered): Promise<void> {
    const { store, node, contact } = this.#parts;
    const { connection } = contact;
    const path = answerPath(id, node);
    const znode = await store.get(path);
    const stale = znode && !znode.mine ? [{ type: 'remove', path, version: znode.version } as const] : [];
    const create = { type: 'create', path, data: entry.text ?? '', ephemeral: true } as const;
    if (!znode?.mine) await store.commit([...stale, create]);
    entry.connection = connection;
  }

  async #withdraw(id: string): Promise<void> {
    const { store, node } = this.#parts;
    const path = answerPath(id, node);
    if (await store.get(path)) await store.commit([{ type: 'remove', path }]);
    this.#answered.delete(id);
  }

  #failed(error: unknown): void {
    this.#parts.logger.debug({ error: errorMessage(error) }, 'a question of the cluster is not answered');
    this.#loop.ring();
  }
}

function readQuestion(path: string, text: string): DocumentRead<Question> {
  return readDocument(path, text, (fields) => ({ topic: fields.text('topic'), text: fields.text('text') }));
}
