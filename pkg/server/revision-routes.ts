import { numberField, optionalField, readFields, textField } from './json-body.ts';
import { HttpError, json, type Reply } from './reply.ts';
import type { Call, Route } from './routes.ts';

/** What was applied, and going back to it. */
export const REVISION_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/history',
    help: 'Revisions that were applied here, newest first',
    handle: ({ services }) => json(services.revisions.history()),
  },
  {
    method: 'GET',
    path: '/v1/revisions/diff',
    help: 'What differs between two of them: ?from=REV&to=REV',
    onlySocket: true,
    handle: async ({ services, query }) =>
      json(await services.revisions.compare(revisionIn(query, 'from'), revisionIn(query, 'to'))),
  },
  {
    method: 'POST',
    path: '/v1/rollback',
    help: 'Pin a revision for the whole cluster',
    onlySocket: true,
    takesJson: true,
    handle: rollback,
  },
  {
    method: 'POST',
    path: '/v1/resume',
    help: 'Return to what the source has',
    onlySocket: true,
    handle: async ({ services }) => json(await services.revisions.resume()),
  },
];

async function rollback({ services, json: body }: Call): Promise<Reply> {
  const request = readFields(body, {
    to: optionalField(textField),
    forMs: optionalField(numberField),
    note: optionalField(textField),
    who: textField,
  });
  return json(await services.revisions.rollback(request));
}

function revisionIn(query: URLSearchParams, name: string): string | undefined {
  const text = query.get(name) ?? undefined;
  if (text === '')
    throw new HttpError(400, 'invalid-query', `${name}= is empty: write a revision, or leave it out`);
  return text;
}
