import { KINDS, objectKey } from '../api/index.ts';
import type { SuspensionTarget } from '../reconcile/index.ts';
import { flagField, numberField, optionalField, readFields, textField } from './json-body.ts';
import { HttpError, json, type Reply } from './reply.ts';
import type { Call, Route } from './routes.ts';

/** Leaving objects as they are, by hand. */
export const SUSPEND_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/suspend',
    help: 'Leave an object, or everything, as it is',
    onlySocket: true,
    takesJson: true,
    handle: suspend,
  },
  {
    method: 'POST',
    path: '/v1/suspend/release',
    help: 'Go on with an object, or with everything',
    onlySocket: true,
    takesJson: true,
    handle: release,
  },
];

const TARGET = {
  kind: optionalField(textField),
  name: optionalField(textField),
  all: optionalField(flagField),
};

async function suspend({ services, json: body }: Call): Promise<Reply> {
  const { forMs, note, who, ...named } = readFields(body, {
    ...TARGET,
    forMs: optionalField(numberField),
    note: optionalField(textField),
    who: textField,
  });
  return json(await services.suspensions.suspend({ target: targetOf(named), forMs, note, who }));
}

async function release({ services, json: body }: Call): Promise<Reply> {
  return json(await services.suspensions.release(targetOf(readFields(body, TARGET))));
}

interface Named {
  readonly kind: string | undefined;
  readonly name: string | undefined;
  readonly all: boolean | undefined;
}

function targetOf({ kind: asked, name, all }: Named): SuspensionTarget {
  if (all === true && asked === undefined && name === undefined) return 'all';
  if (all === true || asked === undefined || name === undefined)
    throw new HttpError(400, 'invalid-body', 'write kind and name of an object, or "all": true');
  const kind = KINDS.find((known) => known.toLowerCase() === asked.toLowerCase());
  if (kind !== undefined) return objectKey(kind, name);
  throw new HttpError(400, 'unknown-kind', `there is no kind "${asked}": use ${KINDS.join(', ')}`);
}
