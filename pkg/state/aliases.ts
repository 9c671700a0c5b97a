import { compareStrings } from '../api/index.ts';

const SHORT_ID_LENGTH = 12;

/** Whose endpoint it is: Docker adds these as names of its own. */
export interface AliasOwner {
  readonly id: string;
  readonly name: string;
  readonly hostname: string;
}

/**
 * Aliases as a set that can be compared: lower case, sorted, without doubles, and without the names that the engine adds by
 * itself (short ID, container name, hostname) or that some API versions report and others do not.
 */
export function normaliseAliases(aliases: readonly string[], owner: AliasOwner): string[] {
  const own = new Set(
    [owner.id, owner.id.slice(0, SHORT_ID_LENGTH), owner.name, owner.hostname].map((name) =>
      name.toLowerCase(),
    ),
  );
  const wanted = new Set(
    aliases.map((alias) => alias.toLowerCase()).filter((alias) => alias !== '' && !own.has(alias)),
  );
  return [...wanted].sort(compareStrings);
}
