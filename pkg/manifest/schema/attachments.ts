import * as z from 'zod';
import { compareStrings } from '../../api/index.ts';
import type { NetworkAttachment } from '../objects.ts';
import { IPV4_PATTERN, parseAlias, parseIpv4, parseNetworkReference } from '../value/index.ts';
import { complain, form, list, record } from './field.ts';

const DEFAULT_BRIDGE = 'bridge';
const DESCRIPTION =
  'Networks of the container, the first one being its main one. Absent: the default bridge. Empty: no network. A plain name ' +
  'stands for a map with that name.';

const reference = (): z.ZodType<string, string> =>
  form('name-invalid', parseNetworkReference, {
    description: 'Name of the network: declared, already there, or bridge for the default bridge.',
    examples: ['ovr0'],
  });

const attachment: z.ZodType<NetworkAttachment> = record(
  {
    name: reference(),
    aliases: list(
      form('alias-invalid', parseAlias, { description: 'A DNS name on this network.', examples: ['nginx'] }),
      '[nginx]',
    )
      .transform((aliases) => [...new Set(aliases)].sort(compareStrings))
      .meta({
        description:
          "Extra DNS names on this network, besides the container's own. Several containers may share one.",
        examples: [['nginx']],
      })
      .default([]),
    ipv4Address: z.exactOptional(
      form('address-invalid', parseIpv4, {
        description: "A fixed address inside the network's subnet.",
        examples: ['10.0.9.10'],
        pattern: IPV4_PATTERN,
      }),
    ),
  },
  '{name: ovr0, aliases: [nginx]}',
).meta({ description: 'One network, with what the container is called there.' });

/** The networks of a container in their full form. */
export const attachments: z.ZodType<NetworkAttachment[]> = list(
  z.union([reference().transform((name): NetworkAttachment => ({ name, aliases: [] })), attachment], {
    error: 'the name of a network or a map such as {name: ovr0, aliases: [nginx]}',
  }),
  '[ovr0] or [{name: ovr0, aliases: [nginx]}]',
)
  .check(({ value, issues }) => {
    const names = new Set<string>();
    for (const [index, { name, aliases, ipv4Address }] of value.entries()) {
      if (names.has(name)) {
        complain(issues, 'network-duplicate', `${name} is here twice; merge the two entries`, [index]);
      }
      names.add(name);
      if (name !== DEFAULT_BRIDGE) continue;
      const message = bridgeProblem(value.length, aliases.length > 0 || ipv4Address !== undefined);
      if (message !== undefined) complain(issues, 'network-invalid', message, [index]);
    }
  })
  .meta({ description: DESCRIPTION, examples: [[{ name: 'ovr0', aliases: ['nginx'] }]] });

function bridgeProblem(networks: number, hasNames: boolean): string | undefined {
  if (hasNames)
    return 'the default bridge knows no aliases or fixed addresses; declare a Network with driver: bridge';
  return networks > 1
    ? 'the default bridge can only be the one network; declare a Network with driver: bridge'
    : undefined;
}
