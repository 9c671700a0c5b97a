import fc from 'fast-check';
import { expect, it } from 'vitest';
import { container, network } from '../../test/build/objects.ts';
import type { ManifestObject, ParsedFile } from '../manifest/index.ts';
import { Sharing } from './sharing.ts';

function fileOf(...objects: ManifestObject[]): ParsedFile {
  return { objects, diagnostics: [] };
}

it('changes nothing that can be seen', () => {
  const word = fc.constantFrom('a', 'b', '__proto__', 'toString');
  const labels = fc.dictionary(word, word, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.array(fc.tuple(word, labels)), (many) => {
      const sharing = new Sharing();
      for (const [name, each] of many) {
        const file = fileOf({ ...container(name), labels: each }, { ...network(name), annotations: each });
        expect(sharing.share(file)).toStrictEqual(file);
      }
    }),
  );
});

it('leaves one of equal parts, also where a copy goes to another thread', () => {
  const sharing = new Sharing();
  const files = ['a', 'b'].map((name) => sharing.share(fileOf(structuredClone(container(name)))));
  const [one, other] = structuredClone(files).flatMap(({ objects }) => objects);
  if (one?.kind !== 'Container' || other?.kind !== 'Container') throw new Error('not two containers');
  expect(one.name).not.toBe(other.name);
  expect(one.labels).toBe(other.labels);
  expect(one.spec.updateStrategy).toBe(other.spec.updateStrategy);
  expect(one.spec.env).toBe(other.spec.env);
});
