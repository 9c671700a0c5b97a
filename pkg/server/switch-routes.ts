import { flagField, labelsField, numberField, optionalField, readFields, textField } from './json-body.ts';
import { json, type Reply } from './reply.ts';
import type { Call, Route } from './routes.ts';

/** Moving aliases by hand. */
export const SWITCH_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/switch',
    help: 'Switch an alias to containers with other labels',
    onlySocket: true,
    takesJson: true,
    handle: switchAlias,
  },
  {
    method: 'POST',
    path: '/v1/switch/back',
    help: 'Let an alias lead where its manifest says again',
    onlySocket: true,
    takesJson: true,
    handle: switchBack,
  },
];

async function switchAlias({ services, json: body }: Call): Promise<Reply> {
  const request = readFields(body, {
    alias: textField,
    labels: labelsField,
    forMs: optionalField(numberField),
    note: optionalField(textField),
    force: optionalField(flagField),
    who: textField,
  });
  return json(await services.switches.switchAlias(request));
}

async function switchBack({ services, json: body }: Call): Promise<Reply> {
  const { alias } = readFields(body, { alias: textField });
  return json({ switched: (await services.switches.switchBack(alias)) ?? null });
}
