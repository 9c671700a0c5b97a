/** Ways in which ovr heals what overlays break. A closed set: it is a metric label; docs/healing.md has a row for each. */
export const PLAYBOOKS = [
  'stale-endpoint',
  'rejoin-overlay',
  'reattach',
  'reconnect-endpoint',
  'restore-aliases',
  'restore-address',
  'give-up-address',
  'attach-by-name',
  'replaced-network',
  'duplicate-network',
  'await-removal',
  'republish-endpoint',
] as const;
export type Playbook = (typeof PLAYBOOKS)[number];

/** One thing healed: what was seen and what was done about it. */
export interface Healing {
  readonly playbook: Playbook;
  readonly saw: string;
  readonly did: string;
}
