import { compareStrings, errorMessage } from '../api/index.ts';
import type { EndpointQuestion, Inquiry } from '../reconcile/index.ts';
import { readDocument, writeDocument, type DocumentRead } from './document.ts';
import { Loop } from './loop.ts';
import { makeOnce } from './make-once.ts';
import { readMember } from './member.ts';
import { inParallel } from './parallel.ts';
import { decodeName, FOLDERS, memberPath, nodePath } from './paths.ts';
import type { Parts } from './parts.ts';
import type { Poll } from './poll.ts';

/** What an engine has that holds an endpoint or bears its name; undefined for nothing. Fails where it cannot tell. */
export type Testify = (question: EndpointQuestion) => Promise<string | undefined>;

export interface InquiriesDeps {
  readonly isJoined: () => boolean;
  readonly testify: Testify;
  readonly poll: Pick<Poll, 'put'>;
}

type Answer =
  | { readonly says: 'nothing' }
  | { readonly says: 'held'; readonly what: string }
  | { readonly says: 'unknown'; readonly what: string };

/** An engine may be busy, but somebody waits with a container that cannot be attached. */
const DEADLINE_MS = 10_000;
/** How long until an engine that did not answer is asked again what it is. */
const AGAIN_MS = 5_000;

/**
 * Questions about an endpoint that every node on the cluster store answers for its own engine.
 *
 * `nodes/<node>` stays when a node leaves: its containers go on running without its agent, so nobody may take it for one that has nothing.
 */
export class Inquiries {
  readonly #parts: Parts;
  readonly #deps: InquiriesDeps;
  readonly #loop: Loop;

  constructor(parts: Parts, deps: InquiriesDeps) {
    this.#parts = parts;
    this.#deps = deps;
    this.#loop = new Loop(parts.loop('inquiries'), () => this.#register());
  }

  ring(): void {
    this.#loop.ring();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** Asks all others. Fails with an OvrError where the coordinator does not answer. */
  async inquire(question: EndpointQuestion): Promise<Inquiry> {
    let nodes: readonly string[] = [];
    let inquiry: Inquiry | undefined;
    const heard = await this.#deps.poll.put(
      { topic: 'endpoint', text: writeQuestion(question) },
      DEADLINE_MS,
      async (answers) => {
        // anew each time: whoever comes in between counts too
        const { asked, away } = await this.#others();
        nodes = asked;
        inquiry = away.length > 0 ? unknown(awayMessage(away)) : judge(asked, answers);
        return inquiry !== undefined;
      },
    );
    const silent = nodes.filter((node) => !heard.has(node));
    return (
      inquiry ??
      unknown(`no answer from ${silent.join(', ')}: is ovrd there of this version, and does Docker answer?`)
    );
  }

  /** What this node says to a question of another one. */
  async answer(text: string): Promise<string> {
    const read = readQuestion(text);
    return writeDocument(read.ok ? await this.#testify(read.value) : unable(read.problem));
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

  async #register(): Promise<void> {
    const { contact, store, node } = this.#parts;
    if (contact.connection === 0 || !this.#deps.isJoined() || !(await this.#isOnStore())) return;
    await makeOnce(store, nodePath(node));
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

  async #testify(question: EndpointQuestion): Promise<Answer> {
    try {
      const what = await this.#deps.testify(question);
      return what === undefined ? { says: 'nothing' } : { says: 'held', what };
    } catch (error) {
      return unable(errorMessage(error));
    }
  }
}

/** What the answers come to; undefined while somebody has not answered. */
function judge(asked: readonly string[], answers: ReadonlyMap<string, string>): Inquiry | undefined {
  for (const node of asked) {
    const text = answers.get(node);
    const answer = text === undefined ? undefined : readAnswer(node, text);
    if (answer?.says === 'held') return { type: 'held', node, holder: answer.what };
    if (answer?.says === 'unknown')
      return unknown(`node ${node} cannot say whether it has it: ${answer.what}`);
  }
  return asked.every((node) => answers.has(node)) ? { type: 'held-by-nobody', nodes: asked } : undefined;
}

function writeQuestion({ network, endpointId, name }: EndpointQuestion): string {
  return writeDocument({ network: network.name, id: network.id, endpointId, bears: name });
}

function readQuestion(text: string): DocumentRead<EndpointQuestion> {
  return readDocument('of a question', text, (fields) => ({
    network: { name: fields.text('network'), id: fields.text('id') },
    endpointId: fields.text('endpointId'),
    name: fields.text('bears'),
  }));
}

function readAnswer(node: string, text: string): Answer {
  const read = readDocument(`of the answer of ${node}`, text, (fields): Answer => {
    const says = fields.oneOf('says', ['nothing', 'held', 'unknown']);
    return says === 'nothing' ? { says } : { says, what: fields.text('what') };
  });
  return read.ok ? read.value : unable(read.problem);
}

function unable(what: string): Answer {
  return { says: 'unknown', what };
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
