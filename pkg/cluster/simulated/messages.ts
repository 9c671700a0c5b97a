import type { OvrError } from '../../api/index.ts';
import type { StoreWrite, Znode } from '../store.ts';

/** What a client asks of the ensemble. */
export type StoreRequest =
  | { readonly type: 'get'; readonly path: string; readonly watch: boolean }
  | { readonly type: 'children'; readonly path: string; readonly watch: boolean }
  | { readonly type: 'commit'; readonly writes: readonly StoreWrite[] }
  | {
      readonly type: 'createSequential';
      readonly folder: string;
      readonly prefix: string;
      readonly data: string;
    }
  | { readonly type: 'ping' }
  | { readonly type: 'close' };

export type StoreResult = Znode | readonly string[] | string | undefined;

export type ToServer =
  | { readonly type: 'connect'; readonly session?: string; readonly timeoutMs: number }
  | { readonly type: 'request'; readonly id: number; readonly request: StoreRequest };

export type ToClient =
  | {
      readonly type: 'connected';
      readonly session: string;
      readonly isSame: boolean;
      readonly timeoutMs: number;
    }
  | { readonly type: 'expired' }
  | { readonly type: 'refused'; readonly message: string }
  | { readonly type: 'answer'; readonly id: number; readonly result: StoreResult }
  | { readonly type: 'failure'; readonly id: number; readonly error: OvrError }
  | { readonly type: 'watch'; readonly kind: WatchKind; readonly path: string };

export type WatchKind = 'data' | 'children';
