import { compareStrings, errorMessage, OvrError } from '../api/index.ts';
import type { EndpointQuestion, Inquiry } from '../reconcile/index.ts';
import { readDocument, writeDocument, type DocumentRead } from './document.ts';
import { Loop } from './loop.ts';
import { readMember } from './member.ts';
import { inParallel } from './parallel.ts';
import {
  answerPath,
  decodeName,
  FOLDERS,
  memberPath,
  nodePath,
  questionName,
  questionPath,
} from './paths.ts';
import type { Parts } from './parts.ts';

/** What an engine has that holds an endpoint or bears its name; undefined for nothing. Fails where it cannot tell. */
export type Testify = (question: EndpointQuestion) => Promise<string | undefined>;

export interface InquiriesDeps {
  readonly isJoined: () => boolean;
  readonly testify: Testify;
}

type Answer =
  | { readonly says: 'nothing' }
  | { readonly says: 'held'; readonly what: string }
  | { readonly says: 'unknown'; readonly what: string };

/** An engine may be busy, but somebody waits with a container that cannot be attached. */
const DEADLINE_MS = 10_000;
const POLL_MS = 150;
/** How long until an engine that did not answer is asked again what it is. */
const AGAIN_MS = 5_000;

/**
 * Questions that every node on the cluster store answers for its own engine, and this node's answers to others.
 *
 * `nodes/<node>` stays when a node leaves: its containers go on running without its agent, so nobody may take it for one that has nothing.
 */
export class Inquiries {
  readonly #parts: Parts;
  readonly #deps: InquiriesDeps;
  readonly #loop: Loop;
  /** Questions answered, by name; with the connection over which. */
  readonly #answered = new Map<string, number>();

  constructor(parts: Parts, deps: InquiriesDeps) {
    this.#parts = parts;
    this.#deps = deps;
    this.#loop = new Loop(parts.loop('inquiries'), () => this.#round());
  }

  ring(): void {
    this.#loop.ring();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** Asks all others. Fails with an OvrError where the coordinator does not answer. */
  async inquire(question: EndpointQuestion): Promise<Inquiry> {
    const { store, memory, node } = this.#parts;
    if (!this.#deps.isJoined()) {
      throw new OvrError(
        'coordinator-unreachable',
        'transient',
        'this node is not in contact with its cluster',
      );
    }
    const name = questionName(node, memory.newId());
    const data = writeDocument({
      ...question.network,
      endpointId: question.endpointId,
      bears: question.name,
    });
    await store.commit([{ type: 'create', path: questionPath(name), data, ephemeral: true }]);
    const heard = new Map<string, Answer>();
    try {
      return await this.#collect(name, heard);
    } finally {
      // Whoever answered takes its answer back once the question is gone.
      await store.commit([{ type: 'remove', path: questionPath(name) }]).catch(() => undefined);
    }
  }

  async #collect(name: string, heard: Map<string, Answer>): Promise<Inquiry> {
    const { clock } = this.#parts;
    const deadlineMs = clock.monotonic() + DEADLINE_MS;
    for (;;) {
      const { asked, away } = await this.#others();
      if (away.length > 0) return unknown(awayMessage(away));
      await inParallel(asked, (node) => this.#hear(name, node, heard));
      for (const node of asked) {
        const answer = heard.get(node);
        if (answer?.says === 'held') return { type: 'held', node, holder: answer.what };
        if (answer?.says === 'unknown')
          return unknown(`node ${node} cannot say whether it has it: ${answer.what}`);
      }
      const silent = asked.filter((node) => !heard.has(node));
      if (silent.length === 0) return { type: 'held-by-nobody', nodes: asked };
      if (clock.monotonic() >= deadlineMs) {
        return unknown(
          `no answer from ${silent.join(', ')}: is ovrd there of this version, and does Docker answer?`,
        );
      }
      await new Promise<void>((resolve) => clock.after(POLL_MS, resolve));
    }
  }

  async #hear(name: string, node: string, heard: Map<string, Answer>): Promise<void> {
    if (heard.has(node)) return;
    const path = answerPath(name, node);
    const znode = await this.#parts.store.get(path);
    const read = znode && readAnswer(path, znode.data);
    if (read) heard.set(node, read.ok ? read.value : { says: 'unknown', what: read.problem });
  }

  /** Nodes on the cluster store but this one: those that can be asked, and those that are known and away. */
  async #others(): Promise<{ asked: string[]; away: string[] }> {
    const { store, node: here } = this.#parts;
    const decode = (names: readonly string[]): string[] =>
      names.map(decodeName).filter((name) => name !== undefined && name !== here) as string[];
    const known = new Set(decode(await store.children(FOLDERS.nodes)));
    const members = new Set(decode(await store.children(FOLDERS.members)));
    await inParallel(
      [...members].filter((node) => !known.has(node)),
      async (node) => {
        const znode = await store.get(memberPath(node));
        const read = znode && readMember(memberPath(node), znode.data);
        if (!read?.ok || read.value.engine.kind === 'cluster-store') known.add(node);
      },
    );
    const all = [...known].sort(compareStrings);
    return { asked: all.filter((node) => members.has(node)), away: all.filter((node) => !members.has(node)) };
  }

  async #round(): Promise<void> {
    const { contact, store, node } = this.#parts;
    const { connection } = contact;
    if (connection === 0 || !this.#deps.isJoined() || !(await this.#isOnStore())) return;
    const again = (): void => this.#loop.ring();
    await this.#make(nodePath(node), undefined);
    await this.#make(FOLDERS.questions, again);
    const names = await store.children(FOLDERS.questions, again);
    for (const name of names) {
      if (name.startsWith(questionName(node, ''))) continue;
      if (this.#answered.get(name) === connection) continue;
      await this.#answer(name);
      this.#answered.set(name, connection);
    }
    await this.#takeBack(new Set(names));
  }

  /** Only such engines have endpoints in common. */
  async #isOnStore(): Promise<boolean> {
    try {
      return (await this.#parts.facts()).kind === 'cluster-store';
    } catch {
      this.#loop.ring(AGAIN_MS);
      return false;
    }
  }

  async #answer(name: string): Promise<void> {
    const { store, node } = this.#parts;
    const znode = await store.get(questionPath(name));
    if (!znode) return;
    const read = readQuestion(questionPath(name), znode.data);
    const answer = read.ok
      ? await this.#testify(read.value)
      : ({ says: 'unknown', what: read.problem } as const);
    const path = answerPath(name, node);
    const before = await store.get(path);
    await store.commit([
      ...(before ? [{ type: 'remove', path, version: before.version } as const] : []),
      { type: 'create', path, data: writeDocument(answer), ephemeral: true },
    ]);
  }

  async #testify(question: EndpointQuestion): Promise<Answer> {
    try {
      const what = await this.#deps.testify(question);
      return what === undefined ? { says: 'nothing' } : { says: 'held', what };
    } catch (error) {
      return { says: 'unknown', what: errorMessage(error) };
    }
  }

  async #takeBack(asked: ReadonlySet<string>): Promise<void> {
    const { store, node } = this.#parts;
    for (const name of this.#answered.keys()) {
      if (asked.has(name)) continue;
      this.#answered.delete(name);
      await ignoringConflict(store.commit([{ type: 'remove', path: answerPath(name, node) }]));
    }
  }

  /** A folder that is not there cannot be watched. */
  async #make(path: string, watch: (() => void) | undefined): Promise<void> {
    const { store } = this.#parts;
    if (await store.get(path, watch)) return;
    await ignoringConflict(store.commit([{ type: 'create', path, data: '', ephemeral: false }]));
  }
}

async function ignoringConflict(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof OvrError) || error.code !== 'coordinator-conflict') throw error;
  }
}

function readQuestion(path: string, text: string): DocumentRead<EndpointQuestion> {
  return readDocument(path, text, (fields) => ({
    network: { name: fields.text('name'), id: fields.text('id') },
    endpointId: fields.text('endpointId'),
    name: fields.text('bears'),
  }));
}

function readAnswer(path: string, text: string): DocumentRead<Answer> {
  return readDocument(path, text, (fields): Answer => {
    const says = fields.oneOf('says', ['nothing', 'held', 'unknown']);
    return says === 'nothing' ? { says } : { says, what: fields.text('what') };
  });
}

function unknown(message: string): Inquiry {
  return { type: 'unknown', message };
}

function awayMessage(away: readonly string[]): string {
  const [first = ''] = away;
  return (
    `${away.join(', ')} ${away.length === 1 ? 'is' : 'are'} away and cannot say whose it is: start ovrd there again, ` +
    `or, if a node is gone for good, remove its znode (${nodePath(first)})`
  );
}
