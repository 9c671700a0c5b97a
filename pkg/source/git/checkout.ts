import { posix } from 'node:path';
import type { Diagnostic } from '../../api/index.ts';
import type { Revision, Variables } from '../../manifest/index.ts';
import { assemble } from '../../manifest/merge/index.ts';
import type { SourceCommit } from '../../reconcile/index.ts';
import type { Reader } from '../sighting.ts';
import { fileDiagnostic } from '../sighting.ts';
import type { Clone } from './clone.ts';
import { commitArgs, describeCommit, parseCommit } from './commit.ts';
import { knownFiles, readFiles, TreeDamage, type FilesRead, type ReadFile } from './files.ts';
import { chooseManifests, listArgs, type Listing } from './listing.ts';
import { GitProblem } from './problem.ts';
import type { AppliedRecord } from './record.ts';
import type { GitSettings } from './settings.ts';
import type { SignatureCheck } from './signature.ts';
import { isDamage } from './to-problem.ts';
import type { Trees } from './trees.ts';

/** A commit that may come into force: all its manifests are good. */
export interface GoodCommit {
  readonly oid: string;
  readonly commit: SourceCommit;
  readonly files: readonly ReadFile[];
  readonly revision: Revision;
  /** Warnings. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface CheckoutParts {
  readonly settings: GitSettings;
  readonly clone: Clone;
  readonly trees: Trees;
  readonly reader: Reader;
  readonly signatures: SignatureCheck | undefined;
  /** What manifests may ask for, now. */
  readonly variables: () => Variables;
}

/** From an object in the clone to a revision, and from a record to the same one. */
export class Checkout {
  readonly #parts: CheckoutParts;

  constructor(parts: CheckoutParts) {
    this.#parts = parts;
  }

  /** What an object is. Where the clone turns out to be damaged, it is made again. Fails with GitProblem or GitFailure. */
  async commitOf(oid: string): Promise<SourceCommit> {
    return this.#mended(oid, async () =>
      parseCommit(await this.#parts.clone.local({ args: commitArgs(oid) })),
    );
  }

  /** Checks the signature, writes the tree, and reads what is new in it. Fails with GitProblem or GitFailure. */
  async read(oid: string, commit: SourceCommit, known: readonly ReadFile[]): Promise<GoodCommit> {
    const { clone, signatures, trees } = this.#parts;
    await this.#mended(oid, async () => signatures?.verify(clone, commit.commit));
    const listing = await this.#mended(oid, () => this.#list(commit.commit));
    const tree = await this.#mended(oid, () => trees.checkOut(clone, commit.commit, listing.files));
    const read = await readFiles(this.#parts.reader, {
      tree,
      files: listing.files,
      known: knownFiles(known),
      variables: this.#parts.variables(),
      fileOf: this.#fileOf,
    });
    return this.#assembled(oid, commit, {
      ...read,
      diagnostics: [...listing.diagnostics, ...read.diagnostics],
    });
  }

  /** What was in force before the start, without git and without the remote. Fails with TreeDamage, or as `read` does. */
  async restore(record: AppliedRecord): Promise<GoodCommit> {
    const { clone, reader, signatures, trees, variables } = this.#parts;
    const { oid, commit } = record;
    if (signatures && (await signatures.keyringDigest()) !== record.keyring)
      await signatures.verify(clone, commit.commit);
    const tree = trees.pathOf(commit.commit);
    const read = await readFiles(reader, {
      tree,
      files: record.files,
      known: new Map(),
      variables: variables(),
      fileOf: this.#fileOf,
    });
    const hashes = new Map(record.files.map(({ name, hash }) => [name, hash]));
    const wrong = read.files.find(({ name, hash }) => hashes.get(name) !== hash);
    if (wrong) throw new TreeDamage(`${tree}/${wrong.name} was changed`);
    return this.#assembled(oid, commit, read);
  }

  async #list(commit: string): Promise<Listing> {
    const { clone, settings } = this.#parts;
    const { path, recursive } = settings;
    const output = await clone.local({ args: listArgs(commit, path, recursive) });
    const listing = await chooseManifests(output, {
      folder: path,
      fileOf: this.#fileOf,
      readLink: (oid) => clone.local({ args: ['cat-file', 'blob', oid] }),
    });
    if (listing.bytes > settings.maxBytes) {
      throw new GitProblem('git-too-large', 'the manifests of the commit are larger than a clone may be');
    }
    if (!listing.isEmpty) return listing;
    if (path === '') {
      throw new GitProblem(
        'git-tree-empty',
        'the commit has no files at all; to remove everything, leave one file of another kind, such as a README',
      );
    }
    throw new GitProblem(
      'git-path-missing',
      `the commit has no folder ${path}; put it back, or name another one (to remove everything, leave one file in it)`,
    );
  }

  #assembled(oid: string, commit: SourceCommit, read: FilesRead): GoodCommit {
    const { revision, diagnostics: between } = assemble(read.files.map(({ file }) => file));
    const within = read.files.flatMap(({ file }) => file.diagnostics);
    const diagnostics = [...read.diagnostics, ...within, ...between];
    const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
    if (errors > 0) throw broken(commit, errors, diagnostics);
    return {
      oid,
      commit,
      files: read.files,
      revision,
      diagnostics: [...diagnostics, ...this.#emptyWarning(read)],
    };
  }

  #emptyWarning({ files }: FilesRead): Diagnostic[] {
    if (files.length > 0) return [];
    const message = 'the folder holds no *.yaml, *.yml or *.json file';
    return [fileDiagnostic(this.#fileOf(''), 'path-empty', message)];
  }

  /** Tries again on a new clone where only damage explains a failure. */
  async #mended<T>(oid: string, step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      if (!isDamage(error)) throw error;
      await this.#parts.clone.remake(oid, error);
      return step();
    }
  }

  /** Path in the repository, told apart from files of other sources. */
  readonly #fileOf = (name: string): string => `git:${posix.join(this.#parts.settings.path, name)}`;
}

function broken(commit: SourceCommit, errors: number, diagnostics: readonly Diagnostic[]): GitProblem {
  const message = `commit ${describeCommit(commit)} is not applied, because ${errors === 1 ? 'one mistake is' : `${errors} mistakes are`} in its manifests; push a commit that mends them`;
  return new GitProblem('git-commit-broken', message, diagnostics);
}
