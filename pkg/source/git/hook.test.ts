import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verifyHook } from './hook.ts';

const SECRET = "It's a Secret to Everybody";
const BODY = Buffer.from('Hello, World!');
const sign = (body: Uint8Array, secret = SECRET): string =>
  createHmac('sha256', secret).update(body).digest('hex');

describe('a webhook', () => {
  it.each([
    // The example of GitHub's own documentation.
    [
      'github',
      { 'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17' },
    ],
    ['gitea', { 'x-gitea-signature': sign(BODY) }],
    ['gitlab', { 'x-gitlab-token': SECRET }],
  ])('of %s is accepted with its signature', (from, headers) => {
    expect(verifyHook(headers, BODY, SECRET)).toEqual({ ok: true, from });
  });

  it.each([
    ['nothing', {}, 'no signature'],
    ['the old signature of GitHub', { 'x-hub-signature': 'sha1=0123' }, 'no signature'],
    [
      'another secret',
      { 'x-hub-signature-256': `sha256=${sign(BODY, 'other')}` },
      'x-hub-signature-256 does not fit',
    ],
    ['another body', { 'x-gitea-signature': sign(Buffer.from('other')) }, 'x-gitea-signature does not fit'],
    ['half of the token', { 'x-gitlab-token': SECRET.slice(0, -1) }, 'x-gitlab-token does not fit'],
    ['an empty token', { 'x-gitlab-token': '' }, 'does not fit'],
    ['no algorithm', { 'x-hub-signature-256': sign(BODY) }, 'does not fit'],
    ['two headers of one name', { 'x-gitlab-token': [SECRET, SECRET] }, 'twice'],
    [
      'a wrong signature beside a good one',
      { 'x-hub-signature-256': 'sha256=0', 'x-gitea-signature': sign(BODY) },
      'does not fit',
    ],
  ])('with %s is refused', (_what, headers, reason) => {
    const verdict = verifyHook(headers, BODY, SECRET);
    expect(verdict).toMatchObject({ ok: false, reason: expect.stringContaining(reason) as unknown });
    expect(JSON.stringify(verdict)).not.toContain(sign(BODY));
  });

  it('is refused where no secret is configured', () => {
    expect(verifyHook({ 'x-gitlab-token': '', 'x-gitea-signature': sign(BODY, '') }, BODY, '').ok).toBe(
      false,
    );
  });

  it('counts with exactly its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), fc.string({ minLength: 1 }), (body, other, secret) => {
        const headers = { 'x-gitea-signature': sign(body, secret) };
        expect(verifyHook(headers, body, secret).ok).toBe(true);
        expect(verifyHook(headers, other, secret).ok).toBe(Buffer.compare(body, other) === 0);
      }),
    );
  });
});
