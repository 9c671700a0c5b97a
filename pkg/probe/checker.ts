import { errorMessage, OvrError, type Clock, type Logger } from '../api/index.ts';
import {
  assembleReport,
  makeErrand,
  suspectsOf,
  unanswered,
  withFellows,
  type Answers,
  type Census,
  type CheckedNetwork,
  type CheckReport,
  type Errand,
  type Findings,
  type Knowledge,
  type Prober,
  type Questions,
  type Suspect,
} from '../check/index.ts';
import { countHere, type CountingDeps } from './counting.ts';
import { MAX_MESSAGE_BYTES, readAnswer, readQuestion, type Answer, type Question } from './messages.ts';
import { explore } from './scout.ts';
import { Turnstile } from './turnstile.ts';

export interface CheckerDeps extends CountingDeps {
  readonly prober: Prober;
  /** Of the cluster; absent: this node is the whole cluster. */
  readonly questions?: Questions;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told what this node has found out about all its networks, whoever asked. */
  readonly explored: (findings: Findings) => void;
  /** Told of endpoints that hosts other than their own do not find. Those of other nodes are among them. */
  readonly suspected: (suspects: readonly Suspect[]) => void;
}

const CENSUS_MS = 10_000;
/** What a node takes for its errand, and how long it is waited for. */
const EXPLORE_MS = 25_000;
const FINDINGS_MS = 35_000;

/** Runs checks over the whole cluster, and does this node's part in those of others. */
export class Checker {
  readonly #deps: CheckerDeps;
  /** One check of this agent at a time, one errand of this node at a time. */
  readonly #checks = new Turnstile(1);
  readonly #errands = new Turnstile(1);
  /** Checks so far, and the addresses that did not answer the last one. */
  #turn = 0;
  #unanswered: ReadonlySet<string> = new Set();

  constructor(deps: CheckerDeps) {
    this.#deps = deps;
  }

  /** @param wanted names or IDs of networks; none: all. Fails with an OvrError for one that is not there, and where the engine does not answer. */
  check(wanted: readonly string[]): Promise<CheckReport> {
    return this.#checks.pass(() => this.#check([...new Set(wanted)]));
  }

  /** This node's answer to a question of any node. Never fails. */
  async answer(text: string): Promise<string> {
    const answer = JSON.stringify(await this.#answer(text));
    if (Buffer.byteLength(answer) <= MAX_MESSAGE_BYTES) return answer;
    const message = 'it has too much to tell for one check: check fewer networks at once';
    return JSON.stringify({ type: 'problem', message } satisfies Answer);
  }

  async #answer(text: string): Promise<Answer> {
    const question = readQuestion(text);
    try {
      switch (question?.type) {
        case 'census':
          return { type: 'census', census: await countHere(this.#deps) };
        case 'probe':
          return { type: 'findings', findings: await this.#explore(question.errand) };
        case 'suspects':
          this.#deps.suspected(question.suspects);
          return { type: 'heard' };
        case undefined:
          return {
            type: 'problem',
            message: 'it does not know such a question: run the same ovr on all nodes',
          };
      }
    } catch (error) {
      this.#deps.logger.debug(
        { error: errorMessage(error) },
        'a question about the networks cannot be answered',
      );
      return { type: 'problem', message: errorMessage(error).slice(0, 500) };
    }
  }

  #explore(errand: Errand): Promise<Findings> {
    return this.#errands.pass(async () => {
      const { prober, clock, explored } = this.#deps;
      const census = (): Promise<Census> => countHere(this.#deps);
      const findings = await explore(errand, EXPLORE_MS, { prober, clock, census });
      if (errand.wanted.length === 0) explored(findings);
      return findings;
    });
  }

  async #check(wanted: readonly string[]): Promise<CheckReport> {
    const { questions } = this.#deps;
    const { node } = await this.#deps.engine.facts();
    if (!questions)
      return this.#run(wanted, { node: node.name, scope: 'node', ask: this.#askHere(node.name) });
    const ask: Ask = (question, deadlineMs) => questions.ask(JSON.stringify(question), deadlineMs);
    try {
      return await this.#run(wanted, { node: node.name, scope: 'cluster', ask });
    } catch (error) {
      if (!(error instanceof OvrError) || !error.code.startsWith('coordinator-')) throw error;
      const report = await this.#run(wanted, {
        node: node.name,
        scope: 'node',
        ask: this.#askHere(node.name),
      });
      const message = `the other nodes cannot be asked (${error.message}): only this one is checked`;
      return {
        ...report,
        ok: false,
        failures: [...report.failures, { node: node.name, network: '', message }],
      };
    }
  }

  #askHere(node: string): Ask {
    return async (question) => ({
      answers: new Map([[node, await this.answer(JSON.stringify(question))]]),
      silent: new Map(),
    });
  }

  async #run(wanted: readonly string[], { node, scope, ask }: Ground): Promise<CheckReport> {
    const { clock } = this.#deps;
    const [startedMs, beganMs] = [clock.now(), clock.monotonic()];
    const { censuses, silent } = await takeCensuses(ask);
    if (scope === 'node' && silent.size > 0)
      throw new OvrError('engine-error', 'transient', [...silent.values()].join());
    const isComplete = scope === 'cluster' && silent.size === 0;
    const before: Knowledge = { censuses, isComplete };
    refuseUnknown(wanted, censuses, silent.size);
    const attention = { turn: this.#turn++, unanswered: this.#unanswered };
    const findings = await sendOut(withFellows(makeErrand(before, wanted, 'shared'), before, attention), ask);
    this.#unanswered = unanswered(findings.values());
    const common = { node, scope, wanted, startedMs, before, findings, silent };
    const first = assembleReport({ ...common, after: before, durationMs: clock.monotonic() - beganMs });
    if (
      [first.mismatches, first.unreached].every(({ length }) => length === 0) &&
      first.networks.every(isFine)
    )
      return first;
    const later = await takeCensuses(ask);
    const after: Knowledge = { censuses: newest(later.censuses, censuses), isComplete };
    const gathered = { ...common, after, durationMs: clock.monotonic() - beganMs };
    if (scope === 'cluster' && wanted.length === 0) this.#tell(suspectsOf(gathered), ask);
    return assembleReport(gathered);
  }

  /** Lets the nodes know which of their endpoints others do not find. Whoever asked for the check does not wait for it. */
  #tell(suspects: readonly Suspect[], ask: Ask): void {
    if (suspects.length === 0) return;
    const { logger } = this.#deps;
    ask({ type: 'suspects', suspects }, CENSUS_MS).catch((error: unknown) =>
      logger.debug({ error: errorMessage(error) }, 'what a check has found cannot be told to the others'),
    );
  }
}

type Ask = (question: Question, deadlineMs: number) => Promise<Answers>;

interface Ground {
  readonly node: string;
  readonly scope: CheckReport['scope'];
  readonly ask: Ask;
}

function isFine({ cells }: CheckedNetwork): boolean {
  return cells.every(({ reach }) => reach === 'ok');
}

async function takeCensuses(ask: Ask): Promise<{ censuses: Census[]; silent: Map<string, string> }> {
  const { answers, silent: unheard } = await ask({ type: 'census' }, CENSUS_MS);
  const censuses: Census[] = [];
  const silent = new Map(unheard);
  for (const [node, text] of answers) {
    const answer = readAnswer(text);
    if (answer?.type === 'census') censuses.push({ ...answer.census, node });
    else silent.set(node, problemOf(answer));
  }
  return { censuses, silent };
}

async function sendOut(
  errand: Errand,
  ask: Ask,
): Promise<Map<string, Findings | { readonly problem: string }>> {
  const question: Question = { type: 'probe', errand };
  if (Buffer.byteLength(JSON.stringify(question)) > MAX_MESSAGE_BYTES) {
    const message = 'There are too many names for one check: name some networks with --network.';
    throw new OvrError('invalid-request', 'invalid', message);
  }
  const { answers } = await ask(question, FINDINGS_MS);
  return new Map(
    [...answers].map(([node, text]) => {
      const answer = readAnswer(text);
      return [node, answer?.type === 'findings' ? answer.findings : { problem: problemOf(answer) }];
    }),
  );
}

function problemOf(answer: Answer | undefined): string {
  return answer?.type === 'problem'
    ? answer.message
    : 'answered something that this ovr cannot read: run the same ovr on all nodes';
}

/** The later census of each node, or the earlier one where it gave no later one. */
function newest(later: readonly Census[], earlier: readonly Census[]): Census[] {
  const nodes = new Set(later.map(({ node }) => node));
  return [...later, ...earlier.filter(({ node }) => !nodes.has(node))];
}

function refuseUnknown(wanted: readonly string[], censuses: readonly Census[], silent: number): void {
  const known = censuses.flatMap(({ networks }) => networks);
  const names = [...new Set(known.map(({ name }) => name))].sort();
  for (const one of wanted) {
    if (known.some(({ id, name }) => id === one || name === one)) continue;
    const there =
      names.length === 0 ? 'there is none with embedded DNS' : `there are ${names.slice(0, 20).join(', ')}`;
    const unheard = silent === 0 ? '' : `; ${silent} of the nodes did not answer`;
    throw new OvrError(
      'network-not-found',
      'invalid',
      `There is no network "${one}" to check: ${there}${unheard}.`,
    );
  }
}
