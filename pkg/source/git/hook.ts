import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** As node gives them: names in lower case. */
export type HookHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export type HookVerdict =
  | { readonly ok: true; readonly from: 'github' | 'gitea' | 'gitlab' }
  | { readonly ok: false; readonly reason: string };

/**
 * Whether a webhook comes from somebody who knows the secret: GitHub and Gitea sign the body, GitLab sends the secret itself.
 * Says nothing about what is in the body. The time it takes does not depend on where a wrong signature differs.
 * @param body exactly the bytes that came
 */
export function verifyHook(headers: HookHeaders, body: Uint8Array, secret: string): HookVerdict {
  if (secret === '') return { ok: false, reason: 'no secret is configured, so no webhook is accepted' };
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  const ways = [
    ['github', 'x-hub-signature-256', `sha256=${signature}`],
    ['gitea', 'x-gitea-signature', signature],
    ['gitlab', 'x-gitlab-token', secret],
  ] as const;
  for (const [from, name, expected] of ways) {
    const given = headers[name];
    if (given === undefined) continue;
    if (typeof given !== 'string') return { ok: false, reason: `the header ${name} is there twice` };
    return isSame(given, expected)
      ? { ok: true, from }
      : { ok: false, reason: `the header ${name} does not fit the secret` };
  }
  return {
    ok: false,
    reason:
      'no signature: expected the header X-Hub-Signature-256, X-Gitea-Signature or X-Gitlab-Token; set a secret where the webhook is made',
  };
}

/** Of digests, so that lengths do not tell either. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
