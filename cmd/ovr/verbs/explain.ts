import { formatCause, type Cause } from '../../../pkg/api/index.ts';
import type { ActionRecord, AgentStatus, HealRecord, ObjectStatus } from '../../../pkg/reconcile/index.ts';
import { tryCluster } from '../cluster.ts';
import type { CliContext } from '../context.ts';
import { placementOf, tellPlacement } from '../placement.ts';
import { CONDITION_MEANINGS, REASON_MEANINGS } from '../reasons.ts';
import { outputOption, printData, type Format } from '../render/document.ts';
import { describeSuspension } from '../render/holds.ts';
import { paintCondition, type Paint } from '../render/paint.ts';
import { formatAge, formatDuration, oneLine } from '../render/text.ts';
import { findObject, parseTarget, type Target } from '../target.ts';
import { examples, type AddVerb } from '../verb.ts';

/** How many of the latest steps belong to the story; describe has them all. */
const STEPS_TOLD = 6;

export const addExplain: AddVerb = (program, run) => {
  program
    .command('explain')
    .summary('Tell why an object is as it is')
    .description(
      'Tells why one object is as it is: its condition, which node has it, what differs, what was done about it, what comes next.',
    )
    .argument('<KIND>', 'Network, container or alias, or KIND/NAME')
    .argument('[NAME]')
    .addOption(outputOption())
    .addHelpText('after', examples('ovr explain container nginx_web_1', 'ovr explain net/ovr0'))
    .action((kind: string, name: string | undefined, options: { output: Format }) =>
      run((context) => explain(context, parseTarget(kind, name, 'explain'), options.output)),
    );
};

async function explain(context: CliContext, target: Target, format: Format): Promise<number> {
  const client = await context.connect();
  const status = await client.status();
  const object = findObject(status.objects, target);
  const cluster = await tryCluster(client, status);
  const placement = placementOf(cluster, object.key);
  if (await printData(context.stdout, format, { ...object, ...(placement && { placement }) })) return 0;
  const now = context.clock.now();
  const paragraphs = [
    verdict(context.paint, object, now),
    whereFrom(object, status),
    suspension(object, now),
    tellPlacement({ object, status, cluster }),
    differences(object.causes),
    story(context.paint, object.history, now),
    healed(object.heals ?? [], now),
    outlook(object, status, now),
  ];
  context.stdout.write(`${paragraphs.filter((text) => text !== '').join('\n\n')}\n`);
  return 0;
}

function verdict(paint: Paint, { key, condition }: ObjectStatus, now: number): string {
  const { type, message, sinceMs } = condition;
  const head = `${paint('bold', key)} is ${paintCondition(paint, type)} for ${formatAge(now - sinceMs)} now: ${oneLine(message)}`;
  return `${head}\n${CONDITION_MEANINGS[type]}`;
}

function whereFrom({ origin, mode }: ObjectStatus, { node, mode: agentMode }: AgentStatus): string {
  const declared = origin ? `${origin.file}:${origin.line} declares it` : 'No manifest declares it';
  const watching = mode === 'enforce' && agentMode === 'observe' ? 'observe (the agent’s)' : mode;
  return `${declared}. On node ${node} its mode is ${watching}.`;
}

function suspension({ suspended }: ObjectStatus, now: number): string {
  if (!suspended) return '';
  return `It is suspended ${describeSuspension(suspended, now)}. Until then nothing of it is changed, made or removed, on any node.`;
}

function differences(causes: readonly Cause[]): string {
  if (causes.length === 0) return 'Nothing differs from the manifest.';
  const lines = causes.map((cause) => {
    const who = cause.drift ? ' No manifest change explains it: somebody or something else did it.' : '';
    return `  ${oneLine(formatCause(cause))}\n    ${sentence(REASON_MEANINGS[cause.reason])}${who}`;
  });
  return `What differs, and how the engine has it → how it should be:\n${lines.join('\n')}`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function story(paint: Paint, history: readonly ActionRecord[], now: number): string {
  if (history.length === 0) return 'Nothing was done about it since the agent started.';
  const lines = history.slice(-STEPS_TOLD).map((record) => {
    const { timeMs, action, result, durationMs, cause, error } = record;
    const outcome = result === 'failed' ? paint('red', 'failed') : paint('green', result);
    const head = `  ${formatAge(now - timeMs)} ago: ${action}, ${outcome} in ${formatDuration(durationMs)}`;
    const why = `    because ${oneLine(formatCause(cause))}`;
    return [head, why, ...(error ? [`    ${error.code}: ${oneLine(error.message)}`] : [])].join('\n');
  });
  return `What was done, newest last:\n${lines.join('\n')}`;
}

function healed(heals: readonly HealRecord[], now: number): string {
  if (heals.length === 0) return '';
  const lines = heals
    .slice(-STEPS_TOLD)
    .map(
      ({ timeMs, playbook, saw, did }) =>
        `  ${formatAge(now - timeMs)} ago: ${playbook}\n    saw ${oneLine(saw)}\n    ${oneLine(did)}`,
    );
  return `What was healed, newest last:\n${lines.join('\n')}`;
}

function outlook(
  { nextTryMs, condition }: ObjectStatus,
  { engine, prune }: AgentStatus,
  now: number,
): string {
  if (!engine.up)
    return `The engine does not answer, so nothing happens until it does: ${oneLine(engine.message)}`;
  if (nextTryMs !== undefined) return `The next try is in ${formatAge(nextTryMs - now)}.`;
  if (condition.type === 'PruneHeld')
    return `${oneLine(prune.reason)}: ovr prune --confirm lets the removals go ahead.`;
  return '';
}
