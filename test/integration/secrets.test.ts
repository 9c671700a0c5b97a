/** Plants secrets and looks for them in everything that an agent and its command line put out: a real ovrd on a simulated engine. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { runCli } from '../../cmd/ovr/cli.ts';
import { createLocal } from '../../cmd/ovr/local.ts';
import { systemClock } from '../../pkg/agent/index.ts';
import { ROUTES } from '../../pkg/server/routes.ts';
import { container, manifest, network, place, undoAfterAll } from '../build/live.ts';
import { until } from '../lab/run.ts';
import { startOvrd, type Ovrd } from '../tools/ovrd.ts';
import { installSopsStandIn, sealedText, sopsMetadata, STAND_IN_KEY } from '../tools/sops-stand-in.ts';

const PATIENCE_MS = 45_000;
/** What a value file holds: it may be nowhere but in the container. */
const FILE_SECRET = 'planted-in-a-value-file-3141';
/** What it holds later: the same. */
const ROTATED_SECRET = 'planted-by-a-rotation-1618033';
/** What a manifest has encrypted: the same. */
const SEALED_SECRET = 'planted-and-sealed-577';
/** The same, once that manifest is changed. */
const OTHER_SEALED = 'planted-and-sealed-anew-5772';
/** The same with a character that no variable can have: the container cannot be made. */
const BROKEN_SECRET = 'planted-beside-a-nul-2718';
/** A text in `env`, and what a variable fills in there: in no output, but in the history for root, as the manual says. */
const ENV_VALUE = 'planted-in-env-1618';
const VARIABLE_VALUE = 'planted-in-a-variable-1414';
/** In a variable that is used where it cannot be. */
const MISUSED_VALUE = 'planted-where-it-is-wrong-1732';
const HUSHED = [FILE_SECRET, ROTATED_SECRET, SEALED_SECRET, OTHER_SEALED, BROKEN_SECRET];
const ALL = [...HUSHED, ENV_VALUE, VARIABLE_VALUE, MISUSED_VALUE];
/** What a secret could be told or guessed by: itself, written otherwise, and hashed without a key. */
function formsOf(secret: string): string[] {
  const texts = [secret, `${secret}\n`].map((text) => Buffer.from(text));
  const written = texts.flatMap((bytes) => [
    ...[bytes.toString(), bytes.toString('hex')],
    // As far as it does not depend on what stands after it.
    bytes.toString('base64').slice(0, Math.floor(secret.length / 3) * 4),
  ]);
  const hashed = ['sha256', 'sha512', 'sha1', 'md5'].flatMap((algorithm) =>
    texts.flatMap((bytes) => {
      const hash = createHash(algorithm).update(bytes);
      const [hex, base64] = [hash.copy().digest('hex'), hash.digest('base64')];
      return [hex.slice(0, 16), base64.slice(0, 12)];
    }),
  );
  return [...written, ...hashed];
}

const undo = undoAfterAll();
let folder: string;
let ovrd: Ovrd;
/** Everything that came out, by where. */
const outputs = new Map<string, string>();

async function declare(more: object): Promise<void> {
  const env = [
    { name: 'TOKEN', valueFrom: { file: join(folder, 'token') } },
    { name: 'PLAIN', value: ENV_VALUE },
    { name: 'FILLED', value: '${FILLED}' },
  ];
  const asks = { 'ovr/substitute': 'true' };
  await place(
    join(folder, 'manifests'),
    'all.yaml',
    manifest(
      network('net0', { driver: 'bridge' }),
      container('vault', { env, networks: ['net0'], ...more }, asks),
      container('broken', { env: [{ name: 'TOKEN', valueFrom: { file: join(folder, 'broken') } }] }),
      container('absent', { env: [{ name: 'TOKEN', valueFrom: { file: join(folder, 'absent') } }] }),
    ),
  );
}

/** A manifest that the stand-in for sops opens, if nobody has changed it since. */
async function declareSealed(
  name: string,
  change: object = {},
  text = sealedText(SEALED_SECRET),
): Promise<void> {
  const env = [{ name: 'SEALED', value: text }];
  const document = { apiVersion: 'ovr/v1', ...container(name, { env }) };
  const sealed = { ...document, ...change, sops: sopsMetadata(document) };
  await place(join(folder, 'manifests'), `${name}.yaml`, `${JSON.stringify(sealed)}\n`);
}

/** What `ovr` prints, both streams. */
async function ovr(line: string): Promise<string> {
  let printed = '';
  const output = { isTty: false, write: (more: string) => void (printed += more) };
  await runCli(line.split(' '), {
    env: { OVR_SOCKET: ovrd.socket },
    readFile: (path) => readFile(path, 'utf8'),
    stdout: output,
    stderr: output,
    clock: systemClock,
    who: () => 'ann@web1',
    local: createLocal({ clock: systemClock, readStdin: () => Promise.resolve('') }),
    untilInterrupted: (work) => work(AbortSignal.timeout(PATIENCE_MS)),
  });
  return printed;
}

async function shows(line: string, pattern: RegExp): Promise<void> {
  await until(`ovr ${line} shows ${String(pattern)}`, PATIENCE_MS, async () =>
    pattern.test(await ovr(line)) ? true : undefined,
  );
}

function get(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: ovrd.socket, path, agent: false }, (response) => {
      text(response).then(resolve, reject);
    });
    asked.once('error', reject).end();
  });
}

/** Every file below a folder, as text, unpacked where it is packed. */
async function filesBelow(root: string): Promise<[path: string, text: string][]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    files.map(async (path): Promise<[string, string]> => {
      const bytes = await readFile(path);
      const packed = bytes.indexOf(Buffer.from([0x1f, 0x8b]));
      return [
        path,
        packed < 0 ? bytes.toString() : bytes.toString() + gunzipSync(bytes.subarray(packed)).toString(),
      ];
    }),
  );
}

function leaks(secrets: readonly string[]): string[] {
  return [...outputs].flatMap(([where, shown]) =>
    secrets
      .filter((secret) => formsOf(secret).some((form) => shown.includes(form)))
      .map((secret) => `${where}: ${secret}`),
  );
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ovr-secrets-'));
  undo(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'manifests'));
  await writeFile(join(folder, 'token'), `${FILE_SECRET}\n`);
  await writeFile(join(folder, 'broken'), `${BROKEN_SECRET}\0\n`);
  await writeFile(join(folder, 'vars'), `FILLED=${VARIABLE_VALUE}\nMISUSED=${MISUSED_VALUE}\n`);
  await installSopsStandIn(join(folder, 'bin'));
  await writeFile(join(folder, 'keys'), `${STAND_IN_KEY}\n`);
  await declare({});
  await declareSealed('sealed');
  await declareSealed('changed', { metadata: { name: 'changed', labels: { a: 'b' } } });
  ovrd = await startOvrd({
    dockerHost: 'unix:///nonexistent',
    manifests: join(folder, 'manifests'),
    folder: join(folder, 'ovrd'),
    args: [
      ...['--engine', 'memory', '--node-name', 'n1', '--log-level', 'debug'],
      ...['--var-file', join(folder, 'vars'), '--sops-age-key-file', join(folder, 'keys')],
    ],
    env: { PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}` },
  });
  undo(() => ovrd.stop());
});

test('a container with secrets is made, one whose secret is unusable is not, and both say so', async () => {
  await shows('get c', /^vault +Ready /m);
  await shows('get c', /^sealed +Ready /m);
  await shows('describe c changed', /was changed after it was encrypted/);
  await shows('describe c broken', /holds a NUL character/);
  await shows('describe c absent', /cannot read the value file .*ENOENT/);
});

/** The ID of an object's container. */
async function idOf(name: string): Promise<string> {
  const { objects } = await ovrd.client.status();
  return objects.find(({ key }) => key === `Container/${name}`)?.observed?.id ?? '';
}

/** How often it was made. */
async function made(name: string): Promise<number> {
  const events = await ovrd.client.events(0);
  return events.filter(({ key, action }) => key === `Container/${name}` && action === 'CreateContainer')
    .length;
}

test('a value file that holds something else replaces its container once, and says which it was', async () => {
  const [before, creates] = [await idOf('vault'), await made('vault')];
  expect([before, creates]).toEqual([expect.stringMatching(/./), 1]);
  await place(folder, 'token', `${ROTATED_SECRET}\n`);
  await until('vault is another one', PATIENCE_MS, async () => {
    await ovrd.client.resync();
    return (await made('vault')) > 1 ? true : undefined;
  });
  await shows('get c', /^vault +Ready /m);
  expect(await ovr('explain c vault')).toContain(`the content of ${join(folder, 'token')} has changed`);
  const after = await idOf('vault');
  expect(after).not.toBe(before);
  // The same content, in another file.
  await place(folder, 'token', `${ROTATED_SECRET}\n`);
  for (let look = 0; look < 8; look += 1) {
    await ovrd.client.resync();
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  expect([await idOf('vault'), await made('vault')]).toEqual([after, 2]);
});

test('an encrypted value replaces its container where it is another, and not where it is encrypted anew', async () => {
  const before = await idOf('sealed');
  const anew = sealedText(SEALED_SECRET).replace('iv:AAAA', 'iv:BBBB');
  const history = async (): Promise<number> => (await ovr('history -o json')).split('"digest"').length;
  const revisions = await history();
  await declareSealed('sealed', {}, anew);
  await until('the revision is in force', PATIENCE_MS, async () =>
    (await history()) > revisions ? true : undefined,
  );
  await shows('get c', /^sealed +Ready /m);
  expect(await idOf('sealed')).toBe(before);
  await declareSealed('sealed', {}, sealedText(OTHER_SEALED));
  await until('sealed is another one', PATIENCE_MS, async () =>
    ![before, ''].includes(await idOf('sealed')) ? true : undefined,
  );
  expect(await ovr('explain c sealed')).toContain('the content of the encrypted SEALED has changed');
});

test('its life goes on: changes, a rollback, mistakes', async () => {
  await declare({ image: 'busybox:other' });
  await shows('get c vault -o json', /busybox:other/);
  await shows('history', /current .* ~1 [^]* first /);
  await ovr('rollback --note trial');
  await shows('status', /pinned/);
  await shows('get c vault -o wide', /busybox:latest/);
  await place(
    join(folder, 'manifests'),
    'wrong.yaml',
    manifest(
      container(
        'wrong',
        { restartPolicy: '${MISUSED}', env: [{ name: 'A', value: ENV_VALUE, velue: ENV_VALUE }] },
        { 'ovr/substitute': 'true' },
      ),
    ),
  );
  await shows('status', /wrong\.yaml:1:\d+: error value-unknown: .*\$\{MISUSED\}/);
});

test('no output has any of them', async () => {
  for (const { method, path } of ROUTES) {
    if (method !== 'GET') continue;
    for (const name of ['vault', 'broken', 'sealed', 'changed']) {
      const filled = path.replace(':kind', 'Container').replace(':name', name);
      outputs.set(`GET ${filled}`, await get(filled));
    }
  }
  const digests = [...(await ovr('history -o json')).matchAll(/"digest": "(\w+)"/g)].map(
    ([, digest]) => digest,
  );
  expect(digests.length).toBeGreaterThan(1);
  outputs.set('GET diff', await get(`/v1/revisions/diff?from=${digests[1] ?? ''}&to=${digests[0] ?? ''}`));
  const manifests = join(folder, 'manifests');
  const asked = [
    ...['get c', 'get net', 'get nodes', 'get c vault', 'describe c vault', 'describe c broken'],
    ...['describe c sealed', 'describe node n1', 'explain c sealed', 'explain c changed', 'explain c vault'],
    ...[
      'explain c broken',
      'diff',
      `diff --from ${digests[1] ?? ''}`,
      'events',
      'history',
      'status',
      'prune',
    ],
  ];
  for (const verb of asked)
    for (const format of ['table', 'wide', 'json', 'yaml'])
      outputs.set(`${verb} -o ${format}`, await ovr(`${verb} -o ${format}`));
  const offline = `--engine memory --cluster other --var-file ${join(folder, 'vars')}`;
  for (const verb of [
    `validate ${manifests}`,
    `diff -f ${manifests}/all.yaml`,
    `apply -f ${manifests}/all.yaml`,
  ])
    for (const format of ['table', 'json'])
      outputs.set(`${verb} -o ${format}`, await ovr(`${verb} ${offline} -o ${format}`));
  outputs.set('log', await ovrd.log());
  // What is looked through is the real thing.
  for (const where of [
    'GET /v1/status',
    'GET /v1/events',
    'get c -o json',
    'events -o table',
    'log',
    'describe c vault -o yaml',
    `diff -f ${manifests}/all.yaml -o json`,
    `apply -f ${manifests}/all.yaml -o table`,
  ])
    expect(outputs.get(where), where).toMatch(/vault/);
  expect(outputs.get('log')).toContain('"level":"debug"');
  expect(leaks(ALL)).toEqual([]);
  // The search would find them.
  outputs.set('planted', formsOf(ROTATED_SECRET).join(' '));
  expect(leaks(ALL)).toEqual([`planted: ${ROTATED_SECRET}`]);
  outputs.delete('planted');
});

test('nothing on disk has what value files hold', async () => {
  const shown = new Map(outputs);
  outputs.clear();
  for (const [path, content] of await filesBelow(join(folder, 'ovrd'))) outputs.set(path, content);
  const revisions = [...outputs].filter(([path]) => path.endsWith('.rev'));
  expect(revisions.length).toBeGreaterThan(1);
  // The search finds what is there, packed or not.
  expect(revisions.every(([, content]) => content.includes(ENV_VALUE))).toBe(true);
  expect(leaks([...HUSHED, MISUSED_VALUE])).toEqual([]);
  const [key, ...otherKeys] = [...outputs].filter(([path]) => path.endsWith('secrets.key'));
  expect([key?.[1], otherKeys]).toEqual([expect.stringMatching(/^[0-9a-f]{64}\n$/), []]);
  expect((await stat(key![0])).mode & 0o777).toBe(0o600);
  const withKey = [...outputs, ...shown].filter(([, content]) => content.includes(key![1].slice(0, 32)));
  expect(withKey.map(([where]) => where)).toEqual([key![0]]);
  const others = [...outputs.keys()].filter((path) => !path.endsWith('.rev'));
  expect(
    leaks([ENV_VALUE, VARIABLE_VALUE]).filter((leak) => others.some((path) => leak.startsWith(path))),
  ).toEqual([]);
});
