import { describe, expect, test } from 'vitest';
import { container } from '../../test/build/objects.ts';
import { appliedBefore, containerOf, outline, planCase, type PlanCase } from '../../test/build/observed.ts';
import { formatCause, formatSecretHashes, PLAIN_HASH_LABEL, SECRET_HASH_LABEL } from '../api/index.ts';
import type { ContainerObject, ContainerSpec } from '../manifest/index.ts';
import type { ObservedContainer } from '../state/index.ts';
import type { SecretsNow } from './input.ts';
import type { Plan } from './result.ts';

const KEY = 'aaaa';
const env = [
  { name: 'TOKEN', file: '/run/secrets/token' },
  { name: 'PLAIN', value: 'x' },
];
const web = (spec: Partial<ContainerSpec> = {}): ContainerObject => container('web', { env, ...spec });

/** What the files hold now: hashes by variable. */
const now = (hashes: Record<string, string>, more: Partial<SecretsNow> = {}): SecretsNow => ({
  ...{ keyId: KEY, isPending: false, ...more },
  hashes: new Map(Object.entries(hashes)),
});

/** A container as it was made of the object, with secrets of these hashes. */
function made(
  object: ContainerObject,
  hashes: Record<string, string> | undefined,
  given: Partial<ObservedContainer> = {},
): ObservedContainer {
  const whole = containerOf(object, given);
  if (!hashes) return whole;
  const label = formatSecretHashes({ keyId: KEY, hashes: new Map(Object.entries(hashes)) });
  return { ...whole, labels: { ...whole.labels, [SECRET_HASH_LABEL]: label } };
}

function planned(
  object: ContainerObject,
  containers: ObservedContainer[],
  { secrets, ...rest }: Partial<Omit<PlanCase, 'secrets'>> & { secrets?: SecretsNow | undefined } = {},
): Plan {
  return planCase({
    objects: [object],
    observed: { containers },
    secrets: new Map(secrets ? [[object.key, secrets]] : []),
    ...rest,
  });
}

const shown = (plan: Plan): string => {
  const [verdict] = plan.verdicts;
  return `${verdict?.condition.type}: ${verdict?.condition.message}`;
};
const causes = (plan: Plan): string[] => plan.verdicts.flatMap((verdict) => verdict.causes.map(formatCause));

const REPLACED = [
  'Container/web: EnsureImage StopContainer RenameContainer CreateContainer StartContainer VerifyRunning',
];
const BESIDE = ['Container/web: EnsureImage CreateContainer StartContainer VerifyRunning'];
const startFirst = { updateStrategy: { type: 'StartFirst', readyTimeoutMs: 60_000, drainMs: 0 } } as const;

describe('a value file', () => {
  const rows: [what: string, plan: Plan, steps: string[], shows: string][] = [
    [
      'holds what the container was made with',
      planned(web(), [made(web(), { TOKEN: '01' })], { secrets: now({ TOKEN: '01' }) }),
      [],
      'Ready: running',
    ],
    [
      'holds something else: the container is replaced',
      planned(web(), [made(web(), { TOKEN: '01' })], { secrets: now({ TOKEN: '02' }) }),
      REPLACED,
      'Progressing: SecretChanged: env[TOKEN]',
    ],
    [
      'holds something else, and the container updates StartFirst',
      planned(web(startFirst), [made(web(startFirst), { TOKEN: '01' })], { secrets: now({ TOKEN: '02' }) }),
      BESIDE,
      'Progressing: makes the new container beside the old one',
    ],
    [
      'holds something else, and the agent only observes',
      planned(web(), [made(web(), { TOKEN: '01' })], {
        secrets: now({ TOKEN: '02' }),
        settings: { mode: 'observe' },
      }),
      [],
      'Drifted: differs and is only observed',
    ],
    [
      'holds something else, and the container is suspended',
      planned(web(), [made(web(), { TOKEN: '01' })], {
        secrets: now({ TOKEN: '02' }),
        suspended: { objects: new Map([['Container/web', 'ann@web1']]) },
      }),
      [],
      'Suspended: by ann@web1; differs: env[TOKEN]',
    ],
    [
      'holds something else, and the job that had it is done',
      planned(
        web({ restartPolicy: { name: 'no', maximumRetryCount: 0 } }),
        [
          made(
            web({ restartPolicy: { name: 'no', maximumRetryCount: 0 } }),
            { TOKEN: '01' },
            { state: 'exited' },
          ),
        ],
        { secrets: now({ TOKEN: '02' }) },
      ),
      [],
      'Completed: ended with exit code 0',
    ],
    [
      'is not known yet',
      planned(web(), [made(web(), { TOKEN: '01' })], { secrets: now({}, { isPending: true }) }),
      [],
      'Ready: running',
    ],
    [
      'cannot be read',
      planned(web(), [made(web(), { TOKEN: '01' })], {
        secrets: now({}, { problem: 'cannot read the value file /t: ENOENT' }),
      }),
      [],
      'Ready: running; its secrets are not compared: cannot read the value file /t: ENOENT',
    ],
    [
      'holds something else, and another cannot be read',
      planned(web(), [made(web(), { TOKEN: '01', B: '01' })], {
        secrets: now({ TOKEN: '02' }, { problem: 'cannot read the value file /b: ENOENT' }),
      }),
      [],
      'Ready: running; its secrets are not compared: cannot read the value file /b: ENOENT',
    ],
    [
      'holds something else under another key',
      planned(web(), [made(web(), { TOKEN: '01' })], { secrets: now({ TOKEN: '02' }, { keyId: 'bbbb' }) }),
      [],
      'Ready: running; its secrets are not compared: it was made with another key than this host has now',
    ],
    [
      'is of a container that an earlier version has made',
      planned(web(), [made(web(), undefined)], { secrets: now({ TOKEN: '02' }) }),
      [],
      'Ready: running; its secrets are not compared: it was made without keyed hashes of them, as by an earlier version or `ovr apply`',
    ],
    [
      'holds something else, where nothing is compared',
      planCase({ objects: [web()], observed: { containers: [made(web(), { TOKEN: '01' })] } }),
      [],
      'Ready: running',
    ],
    [
      'is of a container that has no secrets any more',
      planned(container('web'), [made(container('web'), { TOKEN: '01' })], {
        secrets: now({ TOKEN: '02' }),
      }),
      [],
      'Ready: running',
    ],
    [
      'holds something else, and the manifest changed too',
      planned(web({ image: 'other' }), [made(web(), { TOKEN: '01' })], { secrets: now({ TOKEN: '02' }) }),
      REPLACED,
      'Progressing: ManifestChanged: spec',
    ],
  ];
  test.each(rows)('%s', (_, plan, steps, shows) => {
    expect(outline(plan)).toEqual(steps);
    expect(shown(plan)).toBe(shows);
  });

  test('is named where it has changed, and its hash is not', () => {
    const plan = planned(web(), [made(web(), { TOKEN: '01' })], {
      secrets: now({ TOKEN: 'feedc0de' }),
      memory: appliedBefore([web()]),
    });
    expect(causes(plan)).toEqual([
      'env[TOKEN]: set → changed (SecretChanged); the content of /run/secrets/token has changed',
    ]);
    expect(JSON.stringify(plan.verdicts)).not.toContain('feedc0de');
  });

  test('is one of many: the first few are named', () => {
    const many = ['A', 'B', 'C', 'D', 'E'].map((name) => ({ name, file: `/run/${name}` }));
    const before = Object.fromEntries(many.map(({ name }) => [name, '01']));
    const after = now({ ...before, A: '02', B: '02', C: '02', E: '02' });
    const plan = planned(web({ env: many }), [made(web({ env: many }), before)], { secrets: after });
    expect(causes(plan)).toEqual([
      'env[A, B, C, 1 more]: set → changed (SecretChanged); the contents of /run/A, /run/B, /run/C, 1 more have changed',
    ]);
  });
});

describe('an update to a secret that failed', () => {
  const again = (hash: string, secrets: SecretsNow): Plan => {
    const failure = { specHash: web().specHash, secrets: `TOKEN=${hash}`, message: 'it ended' };
    return planned(web(), [made(web(), { TOKEN: '01' })], {
      secrets,
      memory: { ...appliedBefore([]), failedUpdates: new Map([[web().key, failure]]) },
    });
  };

  test('is not tried again', () => {
    const plan = again('02', now({ TOKEN: '02' }));
    expect(outline(plan)).toEqual([]);
    expect(shown(plan)).toBe(
      'UpdateFailed: it ended; the old container stays until the manifest or a secret changes',
    );
  });

  test('is tried with another secret', () => {
    expect(outline(again('02', now({ TOKEN: '03' })))).toEqual(REPLACED);
  });

  test('is forgotten about where the secret is again what it was', () => {
    expect(shown(again('02', now({ TOKEN: '01' })))).toBe('Ready: running');
  });

  test('is not tried while it is not known with what', () => {
    const changed = planned(web({ image: 'other' }), [made(web(), { TOKEN: '01' })], {
      secrets: now({}, { problem: 'away' }),
      memory: {
        ...appliedBefore([]),
        failedUpdates: new Map([
          [
            web().key,
            { specHash: web({ image: 'other' }).specHash, secrets: 'TOKEN=02', message: 'it ended' },
          ],
        ]),
      },
    });
    expect(outline(changed)).toEqual([]);
  });

  test('tells which secrets it was for', () => {
    const plan = planned(web(), [made(web(), { TOKEN: '01' })], { secrets: now({ TOKEN: '02' }) });
    expect(plan.objects.map(({ secrets }) => secrets)).toEqual(['TOKEN=02']);
  });
});

describe('values that were encrypted anew', () => {
  const sealed = (text: string): ContainerObject => ({
    ...container('web', { env: [{ name: 'S', sealed: text }], sealedBy: text }),
    plainHash: 'plain',
  });
  const before = ((): ObservedContainer => {
    const whole = made(sealed('old'), { S: '01' });
    return { ...whole, labels: { ...whole.labels, [PLAIN_HASH_LABEL]: 'plain' } };
  })();

  const rows: [what: string, plan: Plan, steps: string[], shows: string][] = [
    [
      'are the same: nothing is done',
      planned(sealed('new'), [before], { secrets: now({ S: '01' }) }),
      [],
      'Ready: running',
    ],
    [
      'are others',
      planned(sealed('new'), [before], { secrets: now({ S: '02' }) }),
      REPLACED,
      'Progressing: SecretChanged: env[S]',
    ],
    [
      'are gone',
      planned(sealed('new'), [before], { secrets: now({}) }),
      REPLACED,
      'Progressing: SecretChanged: env[S]',
    ],
    [
      'are being looked at',
      planned(sealed('new'), [before], { secrets: now({}, { isPending: true }) }),
      [],
      'Progressing: its values were encrypted anew; looking whether they are others',
    ],
    [
      'cannot be opened: what runs stays',
      planned(sealed('new'), [before], { secrets: now({}, { problem: 'sops is not installed here' }) }),
      [],
      'Waiting: its values were encrypted anew, and may be others: sops is not installed here',
    ],
    [
      'cannot be compared without the key: as any changed manifest',
      planned(sealed('new'), [before], { secrets: now({ S: '01' }, { keyId: 'bbbb' }) }),
      REPLACED,
      'Progressing: ManifestChanged: spec',
    ],
    [
      'are of a container without hashes: as any changed manifest',
      planned(sealed('new'), [made(sealed('old'), undefined)], { secrets: now({ S: '01' }) }),
      REPLACED,
      'Progressing: ManifestChanged: spec',
    ],
    [
      'are the same, and something else is not',
      planned({ ...sealed('new'), plainHash: 'other' }, [before], { secrets: now({ S: '01' }) }),
      REPLACED,
      'Progressing: ManifestChanged: spec',
    ],
  ];
  test.each(rows)('%s', (_, plan, steps, shows) => {
    expect(outline(plan)).toEqual(steps);
    expect(shown(plan)).toBe(shows);
  });
});
