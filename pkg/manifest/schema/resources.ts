import * as z from 'zod';
import type { ResourceAmounts, Resources } from '../objects.ts';
import { parseCpu, parseMemory, reject, type Parsed } from '../value/index.ts';
import { amount, complain, record } from './field.ts';

/** The least that Docker takes: a hundredth of a core, and 6 MiB. */
const MIN_CPU_LIMIT = 10_000_000;
const MIN_MEMORY_LIMIT = 6 * 1024 * 1024;

const limits = amounts(
  'What the container may use at most.',
  limitOf(parseCpu, MIN_CPU_LIMIT, '"0.01"'),
  limitOf(parseMemory, MIN_MEMORY_LIMIT, '6Mi'),
);
const requests = amounts('What placement reserves for it; not sent to the engine.', parseCpu, parseMemory);

/** CPU and memory of a container. */
export const resources: z.ZodType<Resources> = record(
  { limits: limits.default({}), requests: requests.default({}) },
  '{limits: {cpu: "0.5", memory: 256Mi}}',
)
  .check(({ value, issues }) => {
    for (const [field, part] of [
      ['nanoCpus', 'cpu'],
      ['memoryBytes', 'memory'],
    ] as const) {
      if ((value.requests[field] ?? 0) <= (value.limits[field] ?? Infinity)) continue;
      const message = `more ${part} is requested than the limit allows; lower the request or raise the limit`;
      complain(issues, 'resources-invalid', message, ['requests', part]);
    }
  })
  .meta({ description: 'CPU and memory. Limits are changed without a restart.' });

type Parse = (text: string) => Parsed<number>;

function amounts(description: string, cpu: Parse, memory: Parse): z.ZodType<ResourceAmounts> {
  return record(
    {
      cpu: z.exactOptional(
        amount('quantity-invalid', cpu, {
          description: 'Cores ("0.5") or thousandths of one ("500m").',
          examples: ['0.5', '500m'],
        }),
      ),
      memory: z.exactOptional(
        amount('quantity-invalid', memory, {
          description: 'Bytes, or with a binary unit: 64Ki, 256Mi, 2Gi; 64m as Docker writes it is 64Mi.',
          examples: ['256Mi'],
        }),
      ),
    },
    '{cpu: "0.5", memory: 256Mi}',
  )
    .transform((value): ResourceAmounts => ({
      ...(value.cpu === undefined ? {} : { nanoCpus: value.cpu }),
      ...(value.memory === undefined ? {} : { memoryBytes: value.memory }),
    }))
    .meta({ description });
}

function limitOf(parse: Parse, least: number, shown: string): Parse {
  return (text) => {
    const result = parse(text);
    if (!result.ok || result.value >= least) return result;
    return reject(`Docker takes no limit below ${shown}; raise it, or leave it out for none`);
  };
}
