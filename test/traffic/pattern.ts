/** The bytes of a large transfer: known at both ends, and different at every place. */
import { createHash, type Hash } from 'node:crypto';

export const BLOCK_BYTES = 64 * 1024;

const base = makeBase();

function makeBase(): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  let state = 0x9e3779b9;
  for (let at = 0; at < BLOCK_BYTES; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    block.writeInt32LE(state | 0, at);
  }
  return block;
}

/** The bytes from the start of block `index` to its end, or to byte `total` where that comes before. */
export function patternBlock(index: number, total: number): Buffer {
  const block = Buffer.from(base);
  block.writeBigUInt64LE(BigInt(index), 0);
  return block.subarray(0, Math.min(BLOCK_BYTES, total - index * BLOCK_BYTES));
}

export function startDigest(): Hash {
  return createHash('sha256');
}

/** The digest of the first `total` bytes. */
export function patternDigest(total: number): string {
  const hash = startDigest();
  for (let index = 0; index * BLOCK_BYTES < total; index += 1) hash.update(patternBlock(index, total));
  return hash.digest('hex');
}
