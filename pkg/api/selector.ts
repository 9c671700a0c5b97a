/** Labels that an object must have, each of them, to be chosen. */
export type Selector = Readonly<Record<string, string>>;

/** `app=nginx track=green`, as `ovr switch` takes it. */
export function showSelector(selector: Selector): string {
  return Object.entries(selector)
    .map(([label, value]) => `${label}=${value}`)
    .join(' ');
}
