/** No server sends this much; the length field of something that is no ZooKeeper is soon larger. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;
const LENGTH_BYTES = 4;

/** Cuts a stream of bytes into whole frames, each with its length in front, however the network has cut it. */
export class FrameSplitter {
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** The frames that are whole now. Fails with a RangeError at a length that cannot be one. */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < LENGTH_BYTES) return [];
    const length = frameLength(this.#start());
    if (this.#bytes < length) return [];
    return this.#cut();
  }

  /** The first chunk, made to hold at least the length field. */
  #start(): Buffer {
    const [first] = this.#chunks;
    return first !== undefined && first.length >= LENGTH_BYTES ? first : this.#join();
  }

  #join(): Buffer {
    const whole = this.#chunks.length === 1 ? this.#chunks[0] : undefined;
    const joined = whole ?? Buffer.concat(this.#chunks, this.#bytes);
    this.#chunks = [joined];
    return joined;
  }

  #cut(): Buffer[] {
    const all = this.#join();
    const frames: Buffer[] = [];
    let offset = 0;
    while (all.length - offset >= LENGTH_BYTES) {
      const end = offset + frameLength(all.subarray(offset));
      if (end > all.length) break;
      frames.push(all.subarray(offset, end));
      offset = end;
    }
    this.#chunks = offset === all.length ? [] : [all.subarray(offset)];
    this.#bytes = all.length - offset;
    return frames;
  }
}

function frameLength(start: Buffer): number {
  const length = start.readInt32BE(0);
  if (length < 0 || length > MAX_FRAME_BYTES) throw new RangeError(`a frame of ${length} bytes`);
  return LENGTH_BYTES + length;
}
