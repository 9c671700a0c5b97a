import * as z from 'zod';
import { KINDS } from '../../api/index.ts';
import { choice, complain, form, list, record, wholeNumber, word } from '../schema/index.ts';
import { accept, parsePath, quote, reject, type Parsed } from '../value/index.ts';
import { POLICY_FIELDS, type PolicyField } from './fields.ts';

const EXCEPTION = /^(?:Network|Container|Alias)\/[\w.-]*\*?$/;
const MAX_PORT = 65_535;
const REPOSITORY = /^[a-z0-9][a-z0-9.:_-]*(?:\/[a-z0-9][a-z0-9._-]*)*$/;

/** What every rule has: how bad a breach is, and which objects may. */
const COMMON = {
  action: choice(['deny', 'warn'], { description: 'deny is an error, warn a warning.' }),
  except: list(
    form('value-invalid', parseException, {
      description: 'Objects that may.',
      examples: ['Container/edge-*'],
    }),
    '[Container/edge-*]',
  ).default([]),
};

const field = z
  .string({ error: 'text such as Container.healthcheck' })
  .pipe(z.enum(POLICY_FIELDS as [PolicyField, ...PolicyField[]]));
const fields = some(field, '[Container.healthcheck]');
const port = wholeNumber({ min: 0, max: MAX_PORT }, { description: 'A port of the host.' });
const repository = form('value-invalid', parseRepository, {
  description: 'A registry, or the beginning of a repository in it.',
  examples: ['registry.example.org/team'],
});
const hostPath = form('value-invalid', parsePath, {
  description: 'A path of the host.',
  examples: ['/var/run/docker.sock'],
});

function ruleOf<const N extends string, S extends z.core.$ZodLooseShape>(
  name: N,
  shape: S,
  like: string,
): z.ZodObject<{ rule: z.ZodLiteral<N> } & typeof COMMON & S, z.core.$strict> {
  return record({ rule: z.literal(name), ...COMMON, ...shape }, `{rule: ${name}, action: deny, ${like}}`);
}

/** Every rule by its name. */
export const RULES = {
  'labels-required': ruleOf(
    'labels-required',
    {
      labels: some(word({ description: 'A label.', examples: ['team'] }), '[team]'),
      kinds: some(z.enum(KINDS), '[Container]').default([...KINDS]),
    },
    'labels: [team]',
  ),
  'fields-required': ruleOf('fields-required', { fields }, 'fields: [Container.healthcheck]'),
  'fields-forbidden': ruleOf('fields-forbidden', { fields }, 'fields: [Container.capAdd]'),
  'registries-allowed': ruleOf(
    'registries-allowed',
    { registries: some(repository, '[registry.example.org]') },
    'registries: [registry.example.org]',
  ),
  'image-pinned': ruleOf(
    'image-pinned',
    { by: choice(['tag', 'digest'], { description: 'What pins an image.' }).default('tag') },
    'by: tag',
  ),
  'host-ports': ruleOf('host-ports', { from: port.default(0), to: port.default(MAX_PORT) }, 'from: 1024'),
  'host-paths-forbidden': ruleOf(
    'host-paths-forbidden',
    { paths: some(hostPath, '[/var/run/docker.sock]') },
    'paths: [/var/run/docker.sock]',
  ),
} as const;

export type RuleName = keyof typeof RULES;
/** One rule with its defaults. */
export type Rule = { [N in RuleName]: z.output<(typeof RULES)[N]> }[RuleName];
export const RULE_NAMES: readonly RuleName[] = Object.keys(RULES) as RuleName[]; // literals of this file

/** Whether a text names a rule. */
export function isRuleName(text: unknown): text is RuleName {
  return typeof text === 'string' && Object.hasOwn(RULES, text);
}

/** A list that is not empty. */
function some<T extends z.ZodType>(item: T, like: string): z.ZodArray<T> {
  return list(item, like).check(({ value, issues }) => {
    if (value.length === 0) complain(issues, 'value-invalid', `is empty; write a list such as ${like}`);
  });
}

function parseException(text: string): Parsed<string> {
  return EXCEPTION.test(text)
    ? accept(text)
    : reject(`${quote(text)} is no object; write Kind/name, with * at its end for all that begin so`);
}

function parseRepository(text: string): Parsed<string> {
  const trimmed = text.replace(/\/+$/, '');
  return REPOSITORY.test(trimmed)
    ? accept(trimmed.replace(/^index\.docker\.io(?=\/|$)/, 'docker.io'))
    : reject(`${quote(text)} is no registry; write for example registry.example.org or docker.io/library`);
}
