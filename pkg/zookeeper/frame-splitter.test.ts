import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameSplitter } from './frame-splitter.ts';

function framed(body: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeInt32BE(body.length);
  return Buffer.concat([head, body]);
}

describe('FrameSplitter', () => {
  it('gives the same frames however the bytes are cut', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 });
    fc.assert(
      fc.property(bodies, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (all, sizes) => {
        const stream = Buffer.concat(all.map(framed));
        const splitter = new FrameSplitter();
        const found: Buffer[] = [];
        let at = 0;
        for (let step = 0; at < stream.length; step += 1) {
          const next = at + (sizes[step % sizes.length] ?? 1);
          found.push(...splitter.push(stream.subarray(at, next)).map((frame) => Buffer.from(frame)));
          at = next;
        }
        expect(found).toEqual(all.map(framed));
      }),
    );
  });

  it('takes thousands of frames in one piece', () => {
    const stream = Buffer.concat(Array.from({ length: 5_000 }, (_, i) => framed(Buffer.from(`${i}`))));
    expect(new FrameSplitter().push(stream)).toHaveLength(5_000);
  });

  it.each([-1, -2_147_483_648, 2_147_483_647, 0x4854_5450])('refuses a length of %d', (length) => {
    const head = Buffer.alloc(4);
    head.writeInt32BE(length);
    expect(() => new FrameSplitter().push(head)).toThrow(RangeError);
  });
});
