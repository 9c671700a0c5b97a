import type { StoreWrite, Znode } from './store.ts';

/** Makes an ephemeral document of this session say `text`, or be gone where that is empty. One of an earlier session is replaced. */
export function ownDocumentWrites(path: string, text: string, znode: Znode | undefined): StoreWrite[] {
  if (text === '') return znode ? [{ type: 'remove', path }] : [];
  const create = { type: 'create', path, data: text, ephemeral: true } as const;
  if (!znode) return [create];
  if (!znode.mine) return [{ type: 'remove', path, version: znode.version }, create];
  return znode.data === text ? [] : [{ type: 'set', path, data: text }];
}
