import { describe, expect, it } from 'vitest';
import { assemble, parseManifest, type NamedFile, type Revision } from '../index.ts';

/** One container a file, so that places name files. */
function needing(name: string, ...names: string[]): NamedFile {
  const spec = `{image: x, dependsOn: [${names.join(', ')}]}`;
  const text = `apiVersion: ovr/v1\nkind: Container\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
  const parsed = parseManifest(text, `${name}.yaml`);
  expect(parsed.diagnostics).toEqual([]);
  return { file: `${name}.yaml`, ...parsed };
}

function told(files: readonly NamedFile[], previous?: Revision): string[] {
  return assemble(files, previous).diagnostics.map(
    ({ file, line, column, severity, message }) => `${file}:${line}:${column} ${severity} ${message}`,
  );
}

function keys(files: readonly NamedFile[], previous?: Revision): string[] {
  const { revision } = assemble(files, previous);
  return [...revision.objects.keys()];
}

describe('dependencies between containers', () => {
  it('may be in any files and any order', () => {
    const files = [needing('app', 'web', 'db'), needing('web', 'db'), needing('db')];
    expect(told(files)).toEqual([]);
    expect(keys(files)).toEqual(['Container/app', 'Container/db', 'Container/web']);
  });

  it('in a circle are an error at each place, and do not come into force; what leads to the circle does', () => {
    const circle = [needing('web', 'db'), needing('db', 'cache'), needing('cache', 'web')];
    const files = [...circle, needing('app', 'web'), needing('other')];
    expect(told(files).filter((line) => line.includes(' error '))).toEqual([
      'cache.yaml:4:30 error spec.dependsOn[0]: none of these could ever start: cache → web (web.yaml:4) → db (db.yaml:4) → cache; take one dependency out (until then the change does not count)',
      'db.yaml:4:30 error spec.dependsOn[0]: none of these could ever start: db → cache (cache.yaml:4) → web (web.yaml:4) → db; take one dependency out (until then the change does not count)',
      'web.yaml:4:30 error spec.dependsOn[0]: none of these could ever start: web → db (db.yaml:4) → cache (cache.yaml:4) → web; take one dependency out (until then the change does not count)',
    ]);
    expect(keys(files)).toEqual(['Container/app', 'Container/other']);
  });

  it('on oneself are a circle too', () => {
    expect(told([needing('web', 'web')])).toEqual([
      'web.yaml:4:30 error spec.dependsOn[0]: none of these could ever start: web → web; take one dependency out (until then the change does not count)',
    ]);
  });

  it('that come to a circle by a change: what was in force stays', () => {
    const before = [needing('web', 'db'), needing('db')];
    const { revision } = assemble(before);
    const after = [needing('web', 'db'), needing('db', 'web')];
    expect(told(after, revision)).toHaveLength(2);
    const { objects } = assemble(after, revision).revision;
    expect(objects.get('Container/db')).toEqual(revision.objects.get('Container/db'));
    expect(objects.get('Container/web')).toEqual(revision.objects.get('Container/web'));
  });

  it('on what nobody declares are a warning with a suggestion, once', () => {
    const files = [needing('web', 'postgers'), needing('app', 'postgers'), needing('postgres')];
    expect(told(files)).toEqual([
      'app.yaml:4:30 warning spec.dependsOn[0]: no manifest declares Container postgers; did you mean postgres?; declare it, or see that it runs: until then app waits',
    ]);
    expect(keys(files)).toEqual(['Container/app', 'Container/postgres', 'Container/web']);
  });
});
