/** Text from elsewhere in one line that cannot steer a terminal. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
}

const UNITS = [
  { unit: 'd', ms: 86_400_000 },
  { unit: 'h', ms: 3_600_000 },
  { unit: 'm', ms: 60_000 },
  { unit: 's', ms: 1000 },
] as const;

/** A time span as kubectl shows it, in its largest unit, or two of them while the number is small: `45s`, `3m20s`, `5d`. */
export function formatAge(ms: number): string {
  const [large, small] = unitsFor(Math.max(0, ms));
  const count = Math.floor(Math.max(0, ms) / large.ms);
  const rest = small ? Math.floor((Math.max(0, ms) % large.ms) / small.ms) : 0;
  return small && count < 10 && rest > 0
    ? `${count}${large.unit}${rest}${small.unit}`
    : `${count}${large.unit}`;
}

type Unit = (typeof UNITS)[number];

function unitsFor(ms: number): readonly [Unit, Unit | undefined] {
  const found = UNITS.findIndex((unit) => ms >= unit.ms);
  const index = found === -1 ? UNITS.length - 1 : found;
  return [UNITS[index] ?? UNITS[3], UNITS[index + 1]];
}

/** How long something took: `12ms`, `1.4s`, `3m20s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)}s` : formatAge(ms);
}

/** A moment to the second, in UTC. */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** `1 object`, `2 objects`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** Cores, to a hundredth: `0.25`, `4`. */
export function formatCpus(nanoCpus: number): string {
  return String(Math.round(nanoCpus / 1e7) / 100);
}

const MEMORY_UNITS = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'];

/** Bytes in the unit that fits, to a tenth: `512Mi`, `15.6Gi`. */
export function formatMemory(bytes: number): string {
  let [amount, unit] = [bytes, 0];
  while (amount >= 1024 && unit < MEMORY_UNITS.length - 1) [amount, unit] = [amount / 1024, unit + 1];
  return `${Math.round(amount * 10) / 10}${MEMORY_UNITS[unit] ?? ''}`;
}
