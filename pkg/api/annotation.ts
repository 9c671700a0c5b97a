/** Annotations that change how ovr treats one object. */
export const ANNOTATIONS = {
  /** `enforce` (default), `observe`: report drift and repair nothing, or `ignore`. */
  mode: 'ovr/mode',
  /** `"true"`: take over an existing unowned object of that name. */
  adopt: 'ovr/adopt',
  /** `"true"`: a changed Network may be removed and made again. */
  recreate: 'ovr/recreate',
  /** `"false"`: what the manifest made stays when the manifest goes. */
  prune: 'ovr/prune',
  /** `"true"`: `${NAME}` in values stands for a variable. */
  substitute: 'ovr/substitute',
} as const;

export const MODES = ['enforce', 'observe', 'ignore'] as const;
export type Mode = (typeof MODES)[number];
