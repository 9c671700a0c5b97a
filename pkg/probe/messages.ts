import { z } from 'zod';
import {
  MAX_SUSPECTS,
  REACHES,
  type Census,
  type Errand,
  type Findings,
  type Suspect,
} from '../check/index.ts';

/** What agents say to each other about a check, as JSON. Another ovr may have written it, so it is believed only as far as it can be read. */
const text = z.string().max(1000);
const scope = z.enum(['local', 'global', 'swarm']);
const mtu = z.exactOptional(z.number().int().positive());

const census = z.object({
  node: text,
  omitted: z.number(),
  networks: z.array(
    z.object({
      ...{ id: text, name: text, driver: text, scope, mtu },
      endpoints: z.array(
        z.object({
          ...{ id: text, container: text, address: text },
          names: z.array(text),
          lacking: z.array(text),
          networks: z.array(text),
        }),
      ),
    }),
  ),
});

const hosts = z.array(z.object({ node: text, container: text, address: text }));

const errand = z.object({
  wanted: z.array(text),
  networks: z.array(
    z.object({
      ...{ id: text, name: text, driver: text, scope, mtu },
      isAsked: z.boolean(),
      isComplete: z.boolean(),
      names: z.record(text, z.array(text)),
      hosts,
      fellows: z.exactOptional(hosts),
    }),
  ),
});

const dns = z.object({
  asked: z.number(),
  untried: z.number(),
  odd: z.array(z.object({ name: text, addresses: z.array(text), error: z.exactOptional(text) })),
  omitted: z.number(),
  failure: z.exactOptional(text),
});

const pings = z.array(
  z.object({
    ...{ node: text, address: text },
    reach: z.enum(REACHES),
    rttMs: z.exactOptional(z.number()),
    message: z.exactOptional(text),
  }),
);

const findings = z.object({
  networks: z.array(
    z.object({
      ...{ id: text, name: text, mtu: z.number(), dns },
      asker: z.exactOptional(z.object({ container: text, networks: z.array(text) })),
      failure: z.exactOptional(text),
      pings,
      fellows: z.exactOptional(pings),
    }),
  ),
});

const suspects = z
  .array(
    z.object({
      ...{ node: text, networkId: text, network: text, containerId: text, container: text, address: text },
      kind: z.enum(['name', 'address']),
      why: text,
    }),
  )
  .max(MAX_SUSPECTS);

const question = z.discriminatedUnion('type', [
  z.object({ type: z.literal('census') }),
  z.object({ type: z.literal('probe'), errand }),
  z.object({ type: z.literal('suspects'), suspects }),
]);

const answer = z.discriminatedUnion('type', [
  z.object({ type: z.literal('census'), census }),
  z.object({ type: z.literal('findings'), findings }),
  z.object({ type: z.literal('heard') }),
  z.object({ type: z.literal('problem'), message: text }),
]);

export type Question =
  | { readonly type: 'census' }
  | { readonly type: 'probe'; readonly errand: Errand }
  /** What the probe has come to, for those whose endpoints it is about. */
  | { readonly type: 'suspects'; readonly suspects: readonly Suspect[] };

export type Answer =
  | { readonly type: 'census'; readonly census: Census }
  | { readonly type: 'findings'; readonly findings: Findings }
  | { readonly type: 'heard' }
  | { readonly type: 'problem'; readonly message: string };

/** What fits into one znode beside its overhead. */
export const MAX_MESSAGE_BYTES = 900_000;

/** Undefined for what this ovr cannot read. */
export function readQuestion(message: string): Question | undefined {
  return question.safeParse(parse(message)).data;
}

/** Undefined for what this ovr cannot read. */
export function readAnswer(message: string): Answer | undefined {
  return answer.safeParse(parse(message)).data;
}

function parse(message: string): unknown {
  try {
    return JSON.parse(message) as unknown;
  } catch {
    return undefined;
  }
}
