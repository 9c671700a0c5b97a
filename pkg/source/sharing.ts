import type { ManifestObject, ParsedFile } from '../manifest/index.ts';

/** So many different values at most; manifests that have more have little in common. */
const MAX_VALUES = 10_000;

/**
 * Lets objects share the parts that are equal. Ten thousand manifests mostly differ in some names, and a copy to another thread keeps what is
 * shared within it, so a third of the memory is saved on both sides.
 */
export class Sharing {
  readonly #values = new Map<string, unknown>();

  /** The same file, and equal parts are those of the files before. */
  share(parsed: ParsedFile): ParsedFile {
    return { ...parsed, objects: parsed.objects.map((object) => this.#shareObject(object)) };
  }

  #shareObject(object: ManifestObject): ManifestObject {
    const { labels, annotations } = object;
    return {
      ...object,
      labels: this.#one(labels),
      annotations: this.#one(annotations),
      // Only values are replaced, each by an equal one.
      spec: this.#fieldsOf(object.spec),
    } as ManifestObject;
  }

  #fieldsOf(spec: object): object {
    return Object.fromEntries(Object.entries(spec).map(([field, value]) => [field, this.#one(value)]));
  }

  #one<T>(value: T): T {
    if (typeof value !== 'object') return value;
    const text = JSON.stringify(value);
    const known = this.#values.get(text);
    // What has the same text is equal: objects of manifests hold nothing but JSON.
    if (known !== undefined) return known as T;
    if (this.#values.size < MAX_VALUES) this.#values.set(text, value);
    return value;
  }
}
