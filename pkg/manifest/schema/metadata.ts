import type * as z from 'zod';
import { ANNOTATIONS, MODES, type Kind } from '../../api/index.ts';
import {
  CONTAINER_NAME_PATTERN,
  NETWORK_NAME_PATTERN,
  didYouMean,
  parseAliasName,
  parseContainerName,
  parseNetworkName,
  quote,
} from '../value/index.ts';
import { complain, complainOfKey, form, record, textMap } from './field.ts';

interface Metadata {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const OWN_PREFIX = 'ovr/';
const VALUES: Readonly<Record<string, readonly string[]>> = {
  [ANNOTATIONS.mode]: MODES,
  [ANNOTATIONS.adopt]: ['true', 'false'],
  [ANNOTATIONS.recreate]: ['true', 'false'],
  [ANNOTATIONS.prune]: ['true', 'false'],
  [ANNOTATIONS.substitute]: ['true', 'false'],
};
const KINDS_OF: Readonly<Record<string, readonly Kind[]>> = {
  [ANNOTATIONS.recreate]: ['Network'],
  [ANNOTATIONS.adopt]: ['Network', 'Container'],
  [ANNOTATIONS.prune]: ['Network', 'Container'],
};

const labels = textMap({
  description: 'Labels of the object for selectors. Not Docker labels: those are spec.labels.',
  examples: [{ app: 'nginx', track: 'blue' }],
  like: '{app: nginx}',
}).default({});

/** Metadata of one kind: names and annotations differ. */
export function metadata(kind: Kind): z.ZodType<Metadata> {
  return record({ name: nameOf(kind), labels, annotations: annotations(kind) }, '{name: NAME}').meta({
    description: 'Name, labels and annotations of the object.',
  });
}

function nameOf(kind: Kind): z.ZodType<string, string> {
  switch (kind) {
    case 'Container':
      return form('name-invalid', parseContainerName, {
        description:
          "Name of the container: Docker's own rule, two characters at least. Also its DNS name on its networks.",
        examples: ['nginx_web_1'],
        pattern: CONTAINER_NAME_PATTERN,
      });
    case 'Network':
      return form('name-invalid', parseNetworkName, {
        description:
          "Name of the network. Not one of Docker's own (bridge, host, none, ingress, docker_gwbridge).",
        examples: ['ovr0'],
        pattern: NETWORK_NAME_PATTERN,
      });
    case 'Alias':
      return form('alias-invalid', parseAliasName, {
        description:
          'Name of the alias, which is the DNS name unless spec.name says another one. In lower case.',
        examples: ['nginx'],
      });
  }
}

function annotations(kind: Kind) {
  return textMap({
    description:
      'ovr/mode: enforce (default), observe (report drift, repair nothing) or ignore. ovr/adopt: "true" takes over an existing ' +
      'unowned object of this name. ovr/recreate (Network only): "true" lets a changed network be removed and made again. ' +
      'ovr/prune (not for an Alias): "false" leaves it running when its manifest goes. ' +
      'ovr/substitute: "true" fills variables into values such as "${NAME}". Other names are free.',
    examples: [{ 'ovr/mode': 'observe' }],
    like: '{ovr/mode: observe}',
  })
    .check((context) => {
      for (const [name, value] of Object.entries(context.value)) {
        const problem = annotationProblem(kind, name, value);
        if (!problem) continue;
        if (problem.code === 'annotation-invalid')
          complain(context.issues, problem.code, problem.message, [name]);
        else complainOfKey(context.issues, problem.code, problem.message, name);
      }
    })
    .default({});
}

function annotationProblem(kind: Kind, name: string, value: string) {
  if (!name.startsWith(OWN_PREFIX)) return undefined;
  const values = Object.hasOwn(VALUES, name) ? VALUES[name] : undefined;
  if (!values) {
    const known = Object.keys(VALUES);
    const message = `${quote(name)} is no annotation of ovr${didYouMean(name, known)} (known: ${known.join(', ')})`;
    return { code: 'annotation-unknown', message } as const;
  }
  const kinds = KINDS_OF[name];
  if (kinds !== undefined && !kinds.includes(kind)) {
    const only = kinds.join(' or ');
    return { code: 'annotation-invalid', message: `${name} is for a ${only} only; remove it` } as const;
  }
  if (values.includes(value)) return undefined;
  const message = `${quote(value)} is no value of ${name}${didYouMean(value, values)} (known: ${values.join(', ')})`;
  return { code: 'annotation-invalid', message } as const;
}
