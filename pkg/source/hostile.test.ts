import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LoopMeter } from '../../test/build/loop-meter.ts';
import { systemClock } from '../agent/index.ts';
import { FakeClock, silentLogger } from '../api/index.ts';
import { assemble, parseManifest, type NamedFile } from '../manifest/index.ts';
import { createDirSource } from './dir-source.ts';
import type { LoadResult, ReadRules } from './sighting.ts';
import { WorkerReader } from './worker-reader.ts';

/**
 * Hostile files on the whole path from bytes to a revision, through the real worker thread: nothing crashes, the event loop goes on turning,
 * and what other files declare stays.
 */

/**
 * What one turn of the event loop may take, in CPU time of its own thread. The agent's goal is 100 ms, which `npm run bench` measures; code in tests is
 * slower, and what is read on this thread takes seconds.
 */
const STALL_MS = 250;
const KIB = 1024;
const MIB = KIB * KIB;
/** As `ovr validate` reads. */
const AS_IT_IS: ReadRules = { checkWriters: 'never', acceptBlind: true, acceptUnterminated: true };
/** As the agent reads, where nobody has the file open. */
const WHOLE: ReadRules = { ...AS_IT_IS, acceptUnterminated: false };

const real = ['network', 'nginx', 'ssh'].map((name) =>
  readFileSync(new URL(`../../manifests/article/${name}.yaml`, import.meta.url)),
);
const GOOD = 'apiVersion: ovr/v1\nkind: Network\nmetadata: {name: good}\nspec: {mtu: 1400}\n';

let dir: string;
/** Its time stands still: no deadline falls due because the machine is busy. */
let reader: WorkerReader;
beforeAll(() => {
  reader = new WorkerReader(new FakeClock());
});
afterAll(() => reader.stop());
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ovr-hostile-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

async function load(
  files: Readonly<Record<string, Buffer>>,
  rules = AS_IT_IS,
): Promise<readonly LoadResult[]> {
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(dir, name), bytes);
  const { sightings } = await reader.look({ dir, names: Object.keys(files) });
  const requests = sightings.flatMap((sighting) =>
    sighting.kind === 'refused' ? [] : [{ ...sighting, file: sighting.name, rules }],
  );
  return reader.load(dir, requests);
}

const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n');
const network = (name: string): string => GOOD.replace('name: good', `name: ${name}`);
const container = (spec: string): string =>
  `apiVersion: ovr/v1\nkind: Container\nmetadata: {name: web}\nspec:\n  image: x\n${spec}\n`;
const text = (content: string): Buffer => Buffer.from(`${content}\n`);
const utf16 = (content: string, bigEndian = false): Buffer => {
  const bytes = Buffer.from(`\ufeff${content}`, 'utf16le');
  return bigEndian ? bytes.swap16() : bytes;
};

const laughs = lines(
  9,
  (i) =>
    `  l${i}: &l${i} [${Array(9)
      .fill(i === 0 ? 'lol' : `*l${i - 1}`)
      .join()}]`,
);
const manyDocuments = lines(
  10_000,
  (i) => `--- {apiVersion: ovr/v1, kind: Network, metadata: {name: many-${i}}, spec: {}}`,
);
/** What takes longest to parse and to hand over: a file as large as may be, of documents as large as may be, each nothing but labels. */
const dearest = (index: number): string =>
  `apiVersion: ovr/v1\nkind: Network\nmetadata: {name: dear-${index}}\nspec:\n  labels:\n${lines(4_500, (i) => `    l${i}: a`)}\n---\n`;
const DEAR = 60;

const corpus: Readonly<Record<string, [bytes: Buffer, code: string]>> = {
  'an alias bomb': [text(container(laughs)), 'yaml-alias'],
  '20,000 anchors': [text(lines(20_000, (i) => `- &a${i} x`)), 'document-too-large'],
  '5,000 anchors': [text(lines(5_000, (i) => `- &a${i} x`)), 'document-not-map'],
  '40,000 keys': [text(lines(40_000, (i) => `k${i}: 1`)), 'document-too-large'],
  '6,000 keys': [text(container(lines(6_000, (i) => `  k${i}: 1`))), 'field-unknown'],
  '6,000 equal keys': [text(container(lines(6_000, () => '  k: 1'))), 'key-duplicate'],
  'brackets 10,000 deep': [text('['.repeat(10_000)), 'nesting-too-deep'],
  'lists 10,000 deep': [text('- '.repeat(10_000)), 'nesting-too-deep'],
  'JSON 10,000 deep': [text(`${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`), 'nesting-too-deep'],
  '10,001 documents': [text('--- 1\n'.repeat(10_001)), 'too-many-documents'],
  '9,000 documents': [text('--- 1\n'.repeat(9_000)), 'too-many-problems'],
  '4 MiB of one text': [text(`a: ${'b'.repeat(4 * MIB - 5)}`), 'document-too-large'],
  'more than 4 MiB': [text('#'.repeat(4 * MIB + 1)), 'file-too-large'],
  'a NUL': [text(container('  user: "a\0b"')), 'control-character'],
  'nothing but NULs': [Buffer.alloc(KIB), 'control-character'],
  'UTF-16, little end first': [utf16(GOOD), 'encoding-invalid'],
  'UTF-16, big end first': [utf16(GOOD, true), 'encoding-invalid'],
  'no UTF-8': [Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe, 0x0a]), 'encoding-invalid'],
  'an overlong form': [Buffer.from([0x61, 0x3a, 0x20, 0xc0, 0xaf, 0x0a]), 'encoding-invalid'],
  'the prototype as a key': [text('{"__proto__": {"polluted": true}, "kind": "Network"}'), 'yaml-key'],
  'the prototype as a label': [text(container('  labels: {__proto__: {polluted: true}}')), 'yaml-key'],
  'duplicate keys': [text(container('  user: a\n  user: b')), 'key-duplicate'],
  'a directive': [text('%YAML 1.1\n---\na: yes'), 'yaml-directive'],
  'a tag that makes an object': [text('!!js/function "function(){}"'), 'yaml-tag'],
  'an unclosed quote': [text(`a: "${'b\n'.repeat(10_000)}`), 'yaml-syntax'],
};
/** Odd, and not wrong. */
const harmless: Readonly<Record<string, [bytes: Buffer, key: string]>> = {
  'a byte order mark': [Buffer.from(`\ufeff${network('bom')}`), 'Network/bom'],
  'Windows line ends': [Buffer.from(network('crlf').replaceAll('\n', '\r\n')), 'Network/crlf'],
  'a BOM and Windows line ends': [
    Buffer.from(`\ufeff${network('both').replaceAll('\n', '\r\n')}`),
    'Network/both',
  ],
  'names of every object': [
    text(network('own').replace('mtu: 1400', 'labels: {constructor: a, toString: b}')),
    'Network/own',
  ],
};

/** Everything that hostile content could have reached. */
function isUntouched(): boolean {
  const probe: Readonly<Record<string, unknown>> = {};
  return probe['polluted'] === undefined && Object.getPrototypeOf(probe) === Object.prototype;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('a folder of hostile files', () => {
  it('does no harm to the good ones, and does not hold up the event loop', { timeout: 120_000 }, async () => {
    const names = new Map<string, string>();
    const write = (what: string, bytes: Buffer): void => {
      const file = join(dir, `f${names.size}.yaml`);
      names.set(what, file);
      writeFileSync(file, bytes);
    };
    for (const [what, [bytes]] of Object.entries({ ...corpus, ...harmless })) write(what, bytes);
    write('1 GiB', Buffer.alloc(0));
    truncateSync(names.get('1 GiB') ?? '', KIB * MIB);
    write('10,000 documents', text(manyDocuments));
    write('4 MiB of labels', text(lines(DEAR, dearest)));
    write('good', Buffer.from(GOOD));
    const meter = new LoopMeter();
    const source = createDirSource({
      dirs: [dir],
      clock: systemClock,
      logger: silentLogger,
      reader: new WorkerReader(new FakeClock()),
    });
    meter.start();
    await source.start(() => undefined);
    const files = (): Set<string> => new Set(source.state().diagnostics.map(({ file }) => file));
    const has = (key: string): boolean => source.state().revision?.objects.has(key as never) === true;
    const odd = Object.values(harmless).map(([, key]) => key);
    await until(
      () =>
        files().size > Object.keys(corpus).length &&
        [...odd, 'Network/good', 'Network/many-9999', `Network/dear-${DEAR - 1}`].every(has),
    );
    // What comes after them is taken as ever.
    writeFileSync(join(dir, '.new'), GOOD.replace('1400', '1300'));
    renameSync(join(dir, '.new'), names.get('good') ?? '');
    const mtu = (): unknown => source.state().revision?.objects.get('Network/good')?.spec;
    await until(() => JSON.stringify(mtu()).includes('1300'));
    const stallMs = meter.stop();
    const { revision, diagnostics } = source.state();
    await source.stop();
    console.log(
      `hostile files: the longest time without a turn of the event loop was ${stallMs.toFixed(1)} ms`,
    );
    expect(stallMs).toBeLessThan(STALL_MS);
    expect(revision?.objects.size).toBe(10_000 + DEAR + odd.length + 1);
    for (const [what, [, code]] of Object.entries({
      ...corpus,
      '1 GiB': [undefined, 'file-too-large'] as const,
    })) {
      const found = diagnostics.filter(({ file }) => file === names.get(what));
      expect(
        found.map((entry) => entry.code),
        what,
      ).toContain(code);
      expect(
        found.every(({ severity }) => severity === 'error'),
        what,
      ).toBe(true);
    }
    expect(isUntouched()).toBe(true);
  });

  it('would hold it up, and the meter would tell, if it were read on this thread', async () => {
    const meter = new LoopMeter();
    meter.start();
    // A quarter of it is enough to tell, and already takes a second.
    parseManifest(lines(DEAR / 4, dearest), 'x.yaml');
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(meter.stop()).toBeGreaterThan(STALL_MS);
  });
});

describe('a real manifest', () => {
  const whole = real.map((bytes) => bytes.toString());
  const known = new Map(
    whole.flatMap((content) =>
      parseManifest(content, '').objects.map((object) => [object.key as string, object.digest]),
    ),
  );

  it('cut off at any byte is never half a word, and never another object', async () => {
    for (const bytes of real) {
      const names = Array.from(bytes, (_, end) => `p${end}.yaml`);
      const results = await load(
        Object.fromEntries(names.map((name, end) => [name, bytes.subarray(0, end)])),
        WHOLE,
      );
      expect(results).toHaveLength(bytes.length);
      const ends = new Map(results.map((result) => [Number(result.name.slice(1, -5)), result]));
      for (const [end, result] of ends) {
        const isLine = bytes[end - 1] === 0x0a;
        expect(result.status, `${end} bytes`).toBe(isLine ? 'loaded' : 'unterminated');
        if (result.status !== 'loaded') continue;
        const keys = result.parsed.objects.map(({ key }) => key as string);
        expect(keys.filter((key) => !known.has(key))).toEqual([]);
      }
    }
  });

  it('as JSON, cut off at any byte, is nothing', async () => {
    const object = { apiVersion: 'ovr/v1', kind: 'Network', metadata: { name: 'ovr0' }, spec: { mtu: 1400 } };
    const bytes = Buffer.from(JSON.stringify(object));
    const files = Object.fromEntries(Array.from(bytes, (_, end) => [`p${end}.json`, bytes.subarray(0, end)]));
    const results = await load(files, WHOLE);
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['unterminated']));
  });
});

describe('any bytes', () => {
  const fragments = [
    '\0',
    '\ufeff',
    '\r\n',
    '\n---\n',
    '&a [*a]',
    '*a',
    '__proto__: ',
    '<<: ',
    '!!binary ',
    '%YAML 1.1\n',
    '? ',
    '{',
    '[',
    '"',
    "'",
    '|',
    '\t',
    ': ',
    '- ',
    '${HOME}',
  ]
    .map((fragment) => Buffer.from(fragment))
    .concat(Buffer.from([0xff]), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('\ufeffa', 'utf16le'));
  const change = fc.record({
    at: fc.nat(2_000),
    cut: fc.nat(40),
    put: fc.oneof(
      fc.constantFrom(...fragments),
      fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
    ),
  });
  const mutant = fc
    .tuple(fc.constantFrom(...real), fc.array(change, { maxLength: 5 }))
    .map(([bytes, changes]) =>
      changes.reduce((content, { at, cut, put }) => {
        const from = at % (content.length + 1);
        return Buffer.concat([content.subarray(0, from), put, content.subarray(from + cut)]);
      }, bytes),
    );
  const anything = fc.oneof(
    { weight: 4, arbitrary: mutant },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
  );

  it('are answered, leave the file beside them alone, and can be put together', async () => {
    const [reference] = await load({ 'good.yaml': Buffer.from(GOOD) });
    expect(reference?.status).toBe('loaded');
    await fc.assert(
      fc.asyncProperty(fc.array(anything, { minLength: 1, maxLength: 20 }), async (all) => {
        const files = Object.fromEntries(
          all.map((bytes, index) => [`x${index}.${index % 5 === 0 ? 'json' : 'yaml'}`, bytes]),
        );
        const results = await load({ ...files, 'good.yaml': Buffer.from(GOOD) });
        expect(results).toHaveLength(all.length + 1);
        expect(results.find(({ name }) => name === 'good.yaml')).toEqual(reference);
        const named = results.flatMap((result): NamedFile[] =>
          result.status === 'loaded' ? [{ file: result.name, ...result.parsed }] : [],
        );
        const { revision } = assemble(named);
        expect(revision.objects.has('Network/good') || revision.undecided.has('Network/good')).toBe(true);
        expect(isUntouched()).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});
