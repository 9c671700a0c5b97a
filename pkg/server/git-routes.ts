import type { GitServices } from './git-services.ts';
import { HttpError, json, type Reply } from './reply.ts';
import type { Call } from './routes.ts';

/** Asks the remote now. */
export async function sync({ services }: Call): Promise<Reply> {
  return json(await gitOf(services).sync());
}

/** Asks the remote soon, if the caller knows the secret. What the body says is not looked at. */
export async function hook({ services, headers, body }: Call): Promise<Reply> {
  const git = gitOf(services);
  if (git.checkHook === undefined) {
    throw new HttpError(
      404,
      'no-webhook',
      'no webhook is accepted here: give ovrd its secret with --git-webhook-secret-file',
    );
  }
  const verdict = await git.checkHook(headers, body);
  if (!verdict.ok) throw new HttpError(401, 'bad-signature', verdict.reason);
  void git.sync();
  return { type: 'json', status: 202, body: {} };
}

function gitOf({ git }: Call['services']): GitServices {
  if (git) return git;
  throw new HttpError(404, 'no-git-source', 'there is no Git source: start ovrd with --git-url');
}
