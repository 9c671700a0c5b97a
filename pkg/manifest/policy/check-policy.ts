import type { Diagnostic } from '../../api/index.ts';
import type { ContainerObject, ManifestObject } from '../objects.ts';
import { printable, splitImage } from '../value/index.ts';
import { setsField } from './fields.ts';
import type { Policy } from './parse-policy.ts';
import { RULE_NAMES, type Rule, type RuleName } from './rules.ts';

/** The code of what breaks a rule. */
export const POLICY_CODES: readonly string[] = RULE_NAMES.map(codeOf);

/** Everything that breaks the policy, at the start of its object; `deny` is an error, `warn` a warning. In the order of the objects. */
export function checkPolicy(policy: Policy, objects: Iterable<ManifestObject>): Diagnostic[] {
  return [...objects].flatMap((object) =>
    policy.rules
      .filter((rule) => !rule.except.some((pattern) => fits(object.key, pattern)))
      .flatMap((rule) => breaches(rule, object).map((message) => toDiagnostic(rule, object, message))),
  );
}

function codeOf(name: RuleName): string {
  return `policy-${name}`;
}

function fits(key: string, pattern: string): boolean {
  return pattern.endsWith('*') ? key.startsWith(pattern.slice(0, -1)) : key === pattern;
}

function toDiagnostic({ rule, action }: Rule, { key, origin }: ManifestObject, message: string): Diagnostic {
  const severity = action === 'deny' ? 'error' : 'warning';
  const { file, line, column } = origin;
  return { code: codeOf(rule), severity, file, line, column, message: printable(`${key}: ${message}`) };
}

/** One sentence for each thing that breaks the rule. */
function breaches(rule: Rule, object: ManifestObject): string[] {
  switch (rule.rule) {
    case 'labels-required':
      return rule.kinds.includes(object.kind) ? missingLabels(rule.labels, object) : [];
    case 'fields-required':
      return rule.fields
        .filter((field) => setsField(object, field) === false)
        .map((field) => `${pathOf(field)} is required by the policy; set it`);
    case 'fields-forbidden':
      return rule.fields
        .filter((field) => setsField(object, field) === true)
        .map((field) => `${pathOf(field)} is forbidden by the policy; remove it`);
    default:
      return object.kind === 'Container' ? ofContainer(rule, object) : [];
  }
}

type ContainerRule = Exclude<Rule, { rule: 'labels-required' | 'fields-required' | 'fields-forbidden' }>;

function ofContainer(rule: ContainerRule, { spec }: ContainerObject): string[] {
  switch (rule.rule) {
    case 'registries-allowed':
      return foreignImage(spec.image, rule.registries);
    case 'image-pinned':
      return looseImage(spec.image, rule.by);
    case 'host-ports':
      return spec.ports
        .flatMap(({ hostPort }) => hostPort ?? [])
        .filter((port) => port < rule.from || port > rule.to)
        .map(
          (port) => `spec.ports: host port ${port} is outside ${rule.from} to ${rule.to}; choose another one`,
        );
    case 'host-paths-forbidden':
      return spec.volumes
        .filter(({ type, source }) => type === 'bind' && rule.paths.some((path) => overlap(source, path)))
        .map(({ source }) => `spec.volumes: the host path ${source} is forbidden by the policy; remove it`);
  }
}

function missingLabels(labels: readonly string[], object: ManifestObject): string[] {
  return labels
    .filter((label) => !Object.hasOwn(object.labels, label) || object.labels[label] === '')
    .map((label) => `metadata.labels: the label ${label} is required by the policy; add it`);
}

function foreignImage(image: string, allowed: readonly string[]): string[] {
  const { repository } = splitImage(image);
  const isAllowed =
    repository !== undefined &&
    allowed.some((prefix) => repository === prefix || repository.startsWith(`${prefix}/`));
  if (isAllowed) return [];
  return [
    `spec.image: ${repository ?? image} is from none of the allowed registries (${allowed.join(', ')})`,
  ];
}

function looseImage(image: string, by: 'tag' | 'digest'): string[] {
  const { tag, hasDigest } = splitImage(image);
  if (hasDigest) return [];
  if (by === 'digest') return [`spec.image: ${image} has no digest; write it as NAME@sha256:…`];
  if (tag === undefined) return [`spec.image: ${image} has no tag, which means latest; write one that stays`];
  return tag === 'latest' ? [`spec.image: ${image} changes without notice; write a tag that stays`] : [];
}

/** A mount of a folder gives what is in it, and everything below what is forbidden is forbidden. */
function overlap(one: string, other: string): boolean {
  const inside = (path: string, folder: string): boolean =>
    path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
  return inside(one, other) || inside(other, one);
}

function pathOf(field: string): string {
  return `spec.${field.slice(field.indexOf('.') + 1)}`;
}
