import { describe, expect, it } from 'vitest';
import {
  assemble,
  compareRevisions,
  parseManifest,
  restoreRevision,
  storeRevision,
  type Revision,
} from './index.ts';

const ENC = 'ENC[AES256_GCM,data:AAAA,iv:BBBB,tag:CCCC,type:str]';
const SOPS = 'sops:\n  mac: ENC[AES256_GCM,data:DDDD,iv:E,tag:F,type:str]\n  age: [{recipient: age1x}]\n';

function container(spec: string, metadata = 'name: web'): string {
  return `apiVersion: ovr/v1\nkind: Container\nmetadata: {${metadata}}\nspec:\n${spec.replaceAll(/^/gm, '  ')}\n`;
}
const env = (value: string): string =>
  `image: a\nenv:\n- {name: A, value: b}\n- name: TOKEN\n  value: ${value}`;

const problems = (text: string): string[] =>
  parseManifest(text, 'x.yaml').diagnostics.map(({ line, column, code }) => `${line}:${column} ${code}`);

function revision(text: string): Revision {
  const parsed = parseManifest(text, 'x.yaml');
  expect(parsed.diagnostics).toEqual([]);
  return assemble([{ file: 'x.yaml', ...parsed }]).revision;
}

describe('an encrypted manifest', () => {
  const text = container(env(ENC)) + SOPS;

  it('keeps its encrypted values, and what opens them', () => {
    const [object] = parseManifest(text, 'x.yaml').objects;
    expect(object?.spec).toMatchObject({
      env: [
        { name: 'A', value: 'b' },
        { name: 'TOKEN', sealed: ENC },
      ],
      sealedBy: text,
    });
  });

  it('is plain where nothing in it is encrypted', () => {
    const [object] = parseManifest(container(env('c')) + SOPS, 'x.yaml').objects;
    expect(object?.spec).not.toHaveProperty('sealedBy');
    expect(object?.digest).toBe(parseManifest(container(env('c')), 'x.yaml').objects[0]?.digest);
  });

  it('means what its values do: not when it was encrypted, but which values were', () => {
    const later = revision(container(env(ENC)) + SOPS.replace('DDDD', 'EEEE'));
    const other = revision(container(env(ENC.replace('AAAA', 'AAAB'))) + SOPS);
    const before = revision(text);
    expect(later.digest).toBe(before.digest);
    expect(compareRevisions(before, later)).toEqual([]);
    expect(compareRevisions(before, other)).toEqual([
      {
        key: 'Container/web',
        change: 'changed',
        fields: [{ field: 'env[TOKEN]', from: 'set', to: 'changed' }],
      },
    ]);
    expect(other.objects.get('Container/web')?.specHash).not.toBe(
      before.objects.get('Container/web')?.specHash,
    );
  });

  it('has a hash that leaves its encrypted texts out, and no other text', () => {
    const hashes = (value: string, more = ''): (string | undefined)[] => {
      const [object] = parseManifest(container(`${env(value)}${more}`) + SOPS, 'x.yaml').objects;
      return object?.kind === 'Container' ? [object.plainHash, object.specHash] : [];
    };
    const [plain, spec] = hashes(ENC);
    const anew = hashes(ENC.replace('AAAA', 'AAAB'));
    expect(plain).toMatch(/^[0-9a-f]{32}$/);
    expect([anew[0] === plain, anew[1] === spec]).toEqual([true, false]);
    expect(hashes(ENC, '\nuser: web')[0]).not.toBe(plain);
    expect(hashes(ENC, `\n- {name: OTHER, value: "${ENC}"}`)[0]).not.toBe(plain);
    expect(hashes(ENC, '\nrestartPolicy: unless-stopped')[0]).toBe(plain);
    expect(hashes('c')).toEqual([undefined, expect.any(String)]);
  });

  it('comes back from the history whole', () => {
    const before = revision(text);
    const stored: unknown = JSON.parse(JSON.stringify(storeRevision(before)));
    expect(restoreRevision(stored)).toEqual(before);
  });

  it('may be JSON', () => {
    const document = {
      apiVersion: 'ovr/v1',
      kind: 'Container',
      metadata: { name: 'web' },
      spec: { image: 'a', env: [{ name: 'TOKEN', value: ENC }] },
      sops: { mac: ENC },
    };
    expect(revision(JSON.stringify(document)).objects.get('Container/web')?.spec).toMatchObject({
      env: [{ sealed: ENC }],
    });
  });

  it.each<[what: string, text: string, expected: string[]]>([
    ['another field', container(`image: ${ENC}`) + SOPS, ['5:10 sops-invalid']],
    [
      'the name of a variable',
      container(`image: a\nenv: [{name: "${ENC}", value: b}]`) + SOPS,
      ['6:16 sops-invalid'],
    ],
    [
      'everything',
      container(`image: "${ENC}"`, `name: "${ENC}"`).replace('Container', ENC) + SOPS,
      ['2:7 sops-invalid', '3:18 sops-invalid', '5:10 sops-invalid'],
    ],
    ['one of two documents', `${container('image: a')}---\n${text}`, ['16:1 sops-invalid']],
    [
      'what asks for variables',
      container(env(ENC), 'name: web, annotations: {ovr/substitute: "true"}') + SOPS,
      ['10:1 sops-invalid'],
    ],
    ['what has other mistakes too', container('imag: a') + SOPS, ['4:1 field-missing', '5:3 field-unknown']],
  ])('is refused where it is %s', (_, wrong, expected) => {
    expect(problems(wrong)).toEqual(expected);
    expect(parseManifest(wrong, 'x.yaml').objects.every(({ spec }) => !('sealedBy' in spec))).toBe(true);
  });
});
