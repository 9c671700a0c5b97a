import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonObjects } from './json-stream.ts';

function split(...chunks: string[]): unknown[] {
  const objects = new JsonObjects();
  return chunks.flatMap((chunk) => objects.push(Buffer.from(chunk)));
}

describe('a stream of JSON objects', () => {
  it.each<[string, string[], unknown[]]>([
    ['one a line', ['{"a":1}\n', '{"a":2}\n'], [{ a: 1 }, { a: 2 }]],
    ['several in a chunk', ['{"a":1}\r\n{"a":2}\n{"a":3}'], [{ a: 1 }, { a: 2 }, { a: 3 }]],
    ['nothing between them', ['{"a":1}{"a":2}'], [{ a: 1 }, { a: 2 }]],
    ['an object in parts', ['{"a":', '{"b":"}', '"}}'], [{ a: { b: '}' } }]],
    ['quotes in strings', ['{"a":"\\"}{"}', '{"b":"\\\\"}'], [{ a: '"}{' }, { b: '\\' }]],
    ['record separators', ['\u001e{"a":1}\n\u001e{"a":2}\n'], [{ a: 1 }, { a: 2 }]],
    ['an end that is missing', ['{"a":1}{"a"'], [{ a: 1 }]],
    ['nothing', ['', '\n\n'], []],
  ])('with %s', (_, chunks, objects) => {
    expect(split(...chunks)).toEqual(objects);
  });

  it('can be cut anywhere, also inside a character', () => {
    const object = fc.dictionary(
      fc.string({ unit: 'binary' }),
      fc.oneof(fc.string({ unit: 'binary' }), fc.json()),
    );
    const separator = fc.constantFrom('', '\n', '\r\n', ' ');
    const chunkBytes = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(fc.array(fc.tuple(object, separator)), chunkBytes, (parts, length) => {
        const bytes = Buffer.from(parts.map(([value, after]) => JSON.stringify(value) + after).join(''));
        const objects = new JsonObjects();
        const found: unknown[] = [];
        for (let at = 0; at < bytes.length; at += length) {
          found.push(...objects.push(bytes.subarray(at, at + length)));
        }
        expect(found).toEqual(parts.map(([value]) => JSON.parse(JSON.stringify(value)) as unknown));
      }),
    );
  });

  it.each([
    ['a page', '<html>'],
    ['a list', '[{"a":1}]'],
    ['what looks like an object', '{a}'],
    ['garbage after an object', '{"a":1}garbage'],
  ])('is not %s', (_, text) => {
    expect(() => split(text)).toThrow();
  });

  it('has no object that never ends', () => {
    const objects = new JsonObjects();
    objects.push(Buffer.from('{"a":"'));
    const flood = (): void => {
      for (let count = 0; count < 100; count += 1) objects.push(Buffer.alloc(100_000, 'x'));
    };
    expect(flood).toThrow(/does not end/);
  });
});
