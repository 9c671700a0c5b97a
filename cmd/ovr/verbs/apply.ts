import { formatCause } from '../../../pkg/api/index.ts';
import type { ActionRecord } from '../../../pkg/reconcile/index.ts';
import { answeringAgent, type CliContext } from '../context.ts';
import type { Applied } from '../local.ts';
import { collect, loadManifests, recursiveOption, type ManifestOptions } from '../manifests.ts';
import { outputOption, printData, type Format } from '../render/document.ts';
import { paintCondition, type Paint } from '../render/paint.ts';
import { needsAttention } from '../render/status.ts';
import { renderTable } from '../render/table.ts';
import { count, formatDuration, oneLine } from '../render/text.ts';
import { examples, type AddVerb } from '../verb.ts';

interface ApplyOptions extends ManifestOptions {
  readonly output: Format;
  readonly force?: true;
}

export const addApply: AddVerb = (program, run) => {
  program
    .command('apply')
    .summary('Converge once, without an agent')
    .description(
      'Makes the Docker daemon have what the manifests say, once, and removes nothing. Refuses where an agent runs: put the manifests into its folder instead.',
    )
    .requiredOption('-f, --filename <PATH>', 'Apply these manifests (repeatable)', collect)
    .addOption(recursiveOption())
    .option('--force', 'Apply even though an agent runs, which may undo it')
    .addOption(outputOption())
    .addHelpText('after', examples('ovr apply -f manifests/', 'ovr apply -f web.yaml --cluster test'))
    .action((options: ApplyOptions) => run((context) => apply(context, options)));
};

async function apply(context: CliContext, options: ApplyOptions): Promise<number> {
  const { output, force } = options;
  const config = await context.config();
  const revision = await loadManifests(context, options);
  if (!force) await refuseBesideAgent(context, config.cluster);
  const started = context.clock.monotonic();
  const actions: ActionRecord[] = [];
  const isText = output === 'table' || output === 'wide';
  // Data alone on stdout, so progress moves to stderr there.
  const progress = isText ? context.stdout : context.stderr;
  const applied = await context.local.apply({ config, revision }, (record) => {
    actions.push(record);
    progress.write(describeAction(context.paint, record, context.clock.monotonic() - started));
  });
  const { converged, statuses } = applied;
  if (!converged && statuses.length === 0) {
    throw new Error(
      'the engine was not read, so nothing was done: ovr diff -f with the same flags tells why',
    );
  }
  if (!(await printData(context.stdout, output, { converged, objects: statuses, actions }))) {
    await printResult(context, applied, actions.length);
  }
  return converged ? 0 : 1;
}

async function refuseBesideAgent(context: CliContext, cluster: string): Promise<void> {
  const client = await context.connect();
  const agent = await answeringAgent(client);
  if (!agent || agent.cluster !== cluster) return;
  throw new Error(
    `an agent runs here (${client.target}) and would remove what its own manifests do not hold: put the manifests into its folder, or use --force`,
  );
}

function describeAction(paint: Paint, record: ActionRecord, elapsedMs: number): string {
  const { key, action, result, durationMs, cause, error } = record;
  const outcome = result === 'failed' ? paint('red', 'failed') : paint('green', result);
  const why = error ? oneLine(error.message) : oneLine(formatCause(cause));
  return `${formatDuration(elapsedMs).padStart(6)}  ${key}  ${action} ${outcome} in ${formatDuration(durationMs)}: ${why}\n`;
}

async function printResult(context: CliContext, applied: Applied, steps: number): Promise<void> {
  const { stdout, paint } = context;
  const rows = applied.statuses.filter(needsAttention).map(({ key, condition }) => {
    const { type, message } = condition;
    return [key, { text: type, painted: paintCondition(paint, type) }, message];
  });
  if (rows.length > 0) stdout.write(await renderTable(['OBJECT', 'CONDITION', 'MESSAGE'], rows));
  const objects = count(applied.statuses.length, 'object');
  const verdict = applied.converged
    ? 'all as declared'
    : 'not converged: mend what is listed and apply again';
  stdout.write(`${objects}, ${count(steps, 'step')} done: ${verdict}\n`);
}
