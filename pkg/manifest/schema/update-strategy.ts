import * as z from 'zod';
import { DEFAULT_UPDATE_STRATEGY, type ContainerSpec, type UpdateStrategy } from '../objects.ts';
import { accept, didYouMean, quote, reject, type Parsed } from '../value/index.ts';
import { complain, form, record } from './field.ts';
import { duration } from './healthcheck.ts';

const { readyTimeoutMs, drainMs } = DEFAULT_UPDATE_STRATEGY;

const TYPES = ['Recreate', 'StartFirst'] as const satisfies readonly UpdateStrategy['type'][];

const type = (): z.ZodType<UpdateStrategy['type'], string> =>
  form('value-unknown', parseType, {
    description:
      'Recreate: the old container stops before the new one starts. StartFirst: the new one starts beside the old one, which leaves once the new one is ready.',
    examples: ['StartFirst'],
    pattern: `^(${TYPES.join('|')})$`,
  });

function parseType(text: string): Parsed<UpdateStrategy['type']> {
  const known = TYPES.find((type) => type === text);
  if (known) return accept(known);
  return reject(`${quote(text)} is not known${didYouMean(text, TYPES)} (known: ${TYPES.join(', ')})`);
}

const strategyMap = record(
  {
    type: type(),
    readyTimeout: z.exactOptional(
      duration(
        'Longest time from its start in which the new container must become ready: healthy where it has a health check, else running for a second. Default: 2m.',
        '60s',
      ),
    ),
    drain: z.exactOptional(
      duration(
        'StartFirst: how long the old container goes on serving open connections after it has lost its names. Default: 10s.',
        '30s',
      ),
    ),
  },
  '{type: StartFirst, readyTimeout: 60s, drain: 10s}',
)
  .transform((given): UpdateStrategy => ({
    type: given.type,
    readyTimeoutMs: given.readyTimeout ?? readyTimeoutMs,
    drainMs: given.drain ?? drainMs,
  }))
  .meta({ description: 'The strategy with its times.' });

/** How a container gives way to one with another spec, in either form. */
export const updateStrategy: z.ZodType<UpdateStrategy> = z
  .union(
    [type().transform((word): UpdateStrategy => ({ ...DEFAULT_UPDATE_STRATEGY, type: word })), strategyMap],
    {
      error: 'Recreate, StartFirst or a map such as {type: StartFirst, readyTimeout: 60s, drain: 10s}',
    },
  )
  .meta({
    description: 'How the container gives way when its spec changes.',
    examples: ['StartFirst', { type: 'StartFirst', readyTimeout: '60s', drain: '10s' }],
  });

/** What two containers cannot have at once keeps the new one from starting beside the old one. */
export function checkStartFirst(
  spec: Pick<ContainerSpec, 'updateStrategy' | 'ports'> & Partial<Pick<ContainerSpec, 'networks'>>,
  issues: z.core.$ZodRawIssue[],
): void {
  if (spec.updateStrategy.type !== 'StartFirst') return;
  const port = spec.ports.find(({ hostPort }) => hostPort !== undefined);
  const pinned = spec.networks?.find(({ ipv4Address }) => ipv4Address !== undefined);
  const shared = port
    ? `the host port ${port.hostPort}/${port.protocol}; publish only the container port`
    : pinned && `the address ${pinned.ipv4Address} on ${pinned.name}; leave ipv4Address out`;
  if (shared === undefined) return;
  complain(
    issues,
    'strategy-conflict',
    `StartFirst runs two containers at once, and both cannot have ${shared}, or use Recreate`,
    ['updateStrategy'],
  );
}
