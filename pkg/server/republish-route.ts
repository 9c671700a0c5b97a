import { objectKey } from '../api/index.ts';
import type { FindingAnswer } from '../reconcile/index.ts';
import { flagField, optionalField, readFields, textField } from './json-body.ts';
import { HttpError, json, type Reply } from './reply.ts';
import type { Call, Route } from './routes.ts';

/** What became of each endpoint that was to be made again; the body of the answer. */
export interface Republished {
  readonly endpoints: readonly { readonly network: string; readonly answer: FindingAnswer }[];
}

/** Making endpoints again that are as declared and yet not served. */
export const REPUBLISH_ROUTE: Route = {
  method: 'POST',
  path: '/v1/republish',
  help: 'Make the endpoints of a container of this node again',
  onlySocket: true,
  takesJson: true,
  handle: republish,
};

function republish({ services, json: body }: Call): Reply {
  const asked = readFields(body, {
    container: textField,
    network: optionalField(textField),
    anotherAddress: optionalField(flagField),
    who: textField,
  });
  const key = objectKey('Container', asked.container);
  const object = services.view.status().objects.find((each) => each.key === key);
  const networks = (object?.observed?.endpoints ?? []).map(({ network }) => network);
  const chosen = networks.filter((network) => asked.network === undefined || network === asked.network);
  if (object?.origin === undefined || chosen.length === 0) {
    const where = asked.network === undefined ? 'any network' : `network ${asked.network}`;
    const message = `no manifest has ${asked.container} running here on ${where}: ovr get containers shows on which node it is`;
    throw new HttpError(404, 'unknown-object', message);
  }
  const address = asked.anotherAddress ? 'another' : 'kept';
  const endpoints = chosen.map((network) => {
    const finding = { key, network, address, why: `asked for by ${asked.who}` } as const;
    return { network, answer: services.control.republish(finding) };
  });
  return json({ endpoints } satisfies Republished);
}
