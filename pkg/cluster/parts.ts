import type { Clock, Logger } from '../api/index.ts';
import type { EngineFacts } from '../state/index.ts';
import type { Contact } from './contact.ts';
import type { LoopDeps } from './loop.ts';
import type { Kept, Memory } from './memory.ts';
import type { CoordinationStore } from './store.ts';
import type { Troubles } from './troubles.ts';

/** What the parts of one agent's coordination have in common. */
export interface Parts {
  readonly store: CoordinationStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly contact: Contact;
  readonly memory: Memory;
  readonly troubles: Troubles;
  readonly options: {
    readonly cluster: string;
    readonly nodeName?: string;
    readonly version: string;
    readonly nodeLostAfterMs: number;
  };
  readonly journal: (severity: 'normal' | 'warning', message: string) => void;
  readonly facts: () => Promise<EngineFacts>;
  /** What a part's loop needs; its failures are told under the part's name. */
  readonly loop: (name: string) => LoopDeps;
  /** Remembers on disk; a disk that fails is told, and nothing waits for it for long. */
  readonly keep: (changes: Partial<Kept>) => Promise<void>;
  /** This node's name; empty before its facts are known. */
  node: string;
}
