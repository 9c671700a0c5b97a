import { quote } from './quote.ts';
import { accept, reject, type Parsed } from './result.ts';

const NANO = 1_000_000_000;
const CPU = /^(\d{1,9}(?:\.\d{1,9})?)(m?)$/;
const MEMORY = /^(\d{1,16}(?:\.\d{1,9})?)([a-zA-Z]*)$/;
const KIBI = 1024;
/** Kubernetes' binary suffixes, and Docker's, which are binary too and here in lower case only. */
const MEMORY_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: KIBI,
  m: KIBI ** 2,
  g: KIBI ** 3,
  t: KIBI ** 4,
  Ki: KIBI,
  Mi: KIBI ** 2,
  Gi: KIBI ** 3,
  Ti: KIBI ** 4,
};

/** Cores (`0.5`, `2`) or thousandths of one (`500m`), in billionths of a core. */
export function parseCpu(text: string): Parsed<number> {
  const match = CPU.exec(text);
  if (!match)
    return reject(`${quote(text)} is no amount of CPU; write cores ("0.5") or thousandths ("500m")`);
  const nanoCpus = Math.round(Number(match[1]) * (match[2] === 'm' ? NANO / 1000 : NANO));
  if (nanoCpus === 0) return reject(`${quote(text)} is too little; leave the field out for no amount`);
  if (!Number.isSafeInteger(nanoCpus)) return reject(`${quote(text)} is more than any machine has`);
  return accept(nanoCpus);
}

/** Bytes (`1048576`), or with a binary unit (`256Mi`, `64m`). */
export function parseMemory(text: string): Parsed<number> {
  const match = MEMORY.exec(text);
  const unit = match?.[2] ?? '';
  if (!match || !Object.hasOwn(MEMORY_UNITS, unit)) return reject(memoryProblem(text, unit));
  const bytes = Math.floor(Number(match[1]) * (MEMORY_UNITS[unit] ?? 1));
  if (bytes === 0) return reject(`${quote(text)} is too little; leave the field out for no amount`);
  if (!Number.isSafeInteger(bytes)) return reject(`${quote(text)} is more than any machine has`);
  return accept(bytes);
}

/** `M` is 10⁶ in Kubernetes and 2²⁰ in Docker: refused rather than guessed. */
function memoryProblem(text: string, unit: string): string {
  const binary = `${unit.charAt(0).toUpperCase()}i`;
  if (/^[KMGT]B?$|^[kmgt][bB]$/.test(unit)) {
    const amount = text.slice(0, text.length - unit.length);
    return `the unit ${unit} means different sizes to different tools; write ${amount}${binary}`;
  }
  return `${quote(text)} is no amount of memory; write bytes or a unit such as 64Ki, 256Mi, 2Gi`;
}
