import { StringDecoder } from 'node:string_decoder';

/** No event or progress line comes near this many characters. */
const LONGEST_OBJECT = 4 * 1024 * 1024;

/**
 * Cuts a stream of JSON objects into objects: any number of them a chunk, or a part of one, with or without something between them
 * (classic Swarm sends none).
 */
export class JsonObjects {
  readonly #decoder = new StringDecoder('utf8');
  #buffer = '';
  /** Up to where the buffer has been looked at. */
  #scanned = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** The objects that this chunk completes. Throws when the stream is something else than JSON objects. */
  push(chunk: Buffer): unknown[] {
    this.#buffer += this.#decoder.write(chunk);
    const objects: unknown[] = [];
    let end = this.#endOfObject();
    while (end !== undefined) {
      objects.push(JSON.parse(this.#buffer.slice(0, end)));
      this.#buffer = this.#buffer.slice(end);
      this.#scanned = 0;
      end = this.#endOfObject();
    }
    if (this.#buffer.length > LONGEST_OBJECT) throw new Error('an object of the stream does not end');
    return objects;
  }

  /** Goes on to the end of the object that the buffer begins with; undefined when it is not there yet. */
  #endOfObject(): number | undefined {
    if (this.#depth === 0) this.#skipSeparators();
    while (this.#scanned < this.#buffer.length) {
      const isEnd = this.#step(this.#buffer.charAt(this.#scanned));
      this.#scanned += 1;
      if (isEnd) return this.#scanned;
    }
    return undefined;
  }

  #skipSeparators(): void {
    // U+001E is what JSON text sequences (RFC 7464) begin each object with.
    this.#buffer = this.#buffer.replace(/^[\s\u001e]+/, '');
    if (this.#buffer !== '' && !this.#buffer.startsWith('{')) {
      throw new Error(`the stream is not JSON objects: ${this.#buffer.slice(0, 40)}`);
    }
  }

  /** Takes one character in; true when it ends the object. */
  #step(character: string): boolean {
    if (this.#inString) {
      this.#stepInString(character);
      return false;
    }
    if (character === '"') this.#inString = true;
    else if (character === '{') this.#depth += 1;
    else if (character === '}') this.#depth -= 1;
    return this.#depth === 0;
  }

  #stepInString(character: string): void {
    if (this.#escaped) this.#escaped = false;
    else if (character === '\\') this.#escaped = true;
    else if (character === '"') this.#inString = false;
  }
}
