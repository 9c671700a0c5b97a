import { Command, Help } from 'commander';

import { addFlags, readVersion, type Field, type FlagTexts } from '../../pkg/config/index.ts';
import { addApply } from './verbs/apply.ts';
import { addCheck } from './verbs/check.ts';
import { addCompletion } from './verbs/completion.ts';
import { addDescribe } from './verbs/describe.ts';
import { addDiff } from './verbs/diff.ts';
import { addEvents } from './verbs/events.ts';
import { addExplain } from './verbs/explain.ts';
import { addGet } from './verbs/get.ts';
import { addHistory } from './verbs/history.ts';
import { addPlace } from './verbs/place.ts';
import { addPrune } from './verbs/prune.ts';
import { addResume } from './verbs/resume.ts';
import { addRollback } from './verbs/rollback.ts';
import { addRepublish } from './verbs/republish.ts';
import { addSchema } from './verbs/schema.ts';
import { addStatus } from './verbs/status.ts';
import { addSuspend } from './verbs/suspend.ts';
import { addSwitch } from './verbs/switch.ts';
import { addSync } from './verbs/sync.ts';
import { addValidate } from './verbs/validate.ts';
import { addVersion } from './verbs/version.ts';
import type { AddVerb, Run } from './verb.ts';

const VERBS: readonly { readonly group: string; readonly verbs: readonly AddVerb[] }[] = [
  { group: 'Look:', verbs: [addStatus, addGet, addDescribe, addExplain, addEvents, addHistory, addCheck] },
  { group: 'Work with manifests:', verbs: [addValidate, addDiff, addApply, addPlace, addSchema] },
  {
    group: 'Decide:',
    verbs: [addSwitch, addRollback, addSuspend, addResume, addPrune, addRepublish, addSync],
  },
  { group: 'Other:', verbs: [addCompletion, addVersion] },
];

const AGENT_FIELDS: readonly Field[] = ['socket', 'server', 'config'];
const MANIFEST_FIELDS: readonly Field[] = ['variables', 'variableFiles'];

/** The command line of ovr. `run` gets the work of the verb that was asked for. */
export function createProgram(run: Run): { program: Command; flags: FlagTexts } {
  const program = new Command('ovr')
    .description(
      'Looks at and steers ovrd, which keeps Docker networks and their containers as manifests say.',
    )
    .version(`ovr ${readVersion()}`, '-V, --version', 'Show the version')
    .helpOption('-h, --help', 'Show help')
    .helpCommand(false)
    .configureHelp({ helpWidth: 100, formatHelp: verbsFirst })
    .showSuggestionAfterError(true);
  const flags = addFlags(program, 'ovr', groupOf);
  for (const { group, verbs } of VERBS) {
    program.commandsGroup(group);
    for (const addVerb of verbs) addVerb(program, run);
  }
  const footer =
    'See ovr VERB --help for the flags of one verb. Flags have variables too, for example OVR_SOCKET.';
  program.addHelpText('after', `\n${footer}`);
  return { program, flags };
}

function groupOf(field: Field): string {
  if (AGENT_FIELDS.includes(field)) return 'Which agent:';
  return MANIFEST_FIELDS.includes(field)
    ? 'For verbs that read manifests:'
    : 'For diff -f and apply -f, which work without an agent:';
}

/** Commander's help with the verbs before the flags. */
function verbsFirst(command: Command, helper: Help): string {
  const sections = new Help().formatHelp(command, helper).split('\n\n');
  const isGroup = (section: string): boolean => VERBS.some(({ group }) => section.startsWith(group));
  const [usage = '', description = '', ...others] = sections;
  const ordered = [...others.filter(isGroup), ...others.filter((section) => !isGroup(section))];
  return `${[usage, description, ...ordered.map((section) => section.trimEnd())].join('\n\n')}\n`;
}
