import * as z from 'zod';
import { NETWORK_DRIVERS, type Ipam, type NetworkSpec } from '../objects.ts';
import {
  IPV4_PATTERN,
  formatIpv4,
  ipv4Number,
  parseIpv4,
  parseSubnet,
  quote,
  subnetRange,
  type Ipv4Range,
} from '../value/index.ts';
import { choice, complain, flag, form, record, textMap, wholeNumber } from './field.ts';
import { dockerLabels } from './labels.ts';

type Issues = z.core.$ZodRawIssue[];

/** Two addresses besides the network's own: one container and its gateway. Too few for a network over several hosts. */
const MAX_OVERLAY_PREFIX = 29;
const CIDR_PATTERN = '^\\d{1,3}(\\.\\d{1,3}){3}/\\d{1,2}$';
/** Driver options that have a field of their own. */
const OPTION_FIELDS = { mtu: 'com.docker.network.driver.mtu', encrypted: 'encrypted' } as const;

const ipam: z.ZodType<Ipam> = record(
  {
    subnet: form('subnet-invalid', parseSubnet, {
      description: 'Addresses of the network, IPv4 in CIDR form. Needed where containers pin addresses.',
      examples: ['10.0.9.0/24'],
      pattern: CIDR_PATTERN,
    }),
    gateway: z.exactOptional(
      form('address-invalid', parseIpv4, {
        description: "The gateway's address, inside the subnet. Default: the engine takes the first one.",
        examples: ['10.0.9.1'],
        pattern: IPV4_PATTERN,
      }),
    ),
    ipRange: z.exactOptional(
      form('subnet-invalid', parseSubnet, {
        description: 'Part of the subnet from which the engine hands out addresses. Default: all of it.',
        examples: ['10.0.9.128/25'],
        pattern: CIDR_PATTERN,
      }),
    ),
  },
  '{subnet: 10.0.9.0/24}',
)
  .check(({ value, issues }) => {
    const subnet = subnetRange(value.subnet);
    if (value.gateway !== undefined) checkGateway(value.gateway, subnet, issues);
    if (value.ipRange !== undefined) checkIpRange(value.ipRange, subnet, issues);
  })
  .meta({ description: 'Addresses. Absent: the agent chooses a free subnet from its pool.' });

/** The spec of a Network. */
export const networkSpec: z.ZodType<NetworkSpec> = record(
  {
    driver: choice(NETWORK_DRIVERS, { description: 'Kind of network.' }).default('overlay'),
    attachable: z.exactOptional(
      flag({
        description:
          'Whether plain containers may join an overlay of Swarm mode. Default: true for an overlay, false for other drivers.',
      }),
    ),
    internal: flag({ description: 'No way out of the network.' }).default(false),
    encrypted: flag({ description: 'Encrypt traffic between hosts; overlay only.' }).default(false),
    ipam: z.exactOptional(ipam),
    mtu: z.exactOptional(
      wholeNumber({ min: 68, max: 65_535 }, { description: 'Largest packet in bytes.', examples: [1450] }),
    ),
    options: textMap({
      description: 'Options of the driver, verbatim.',
      examples: [{ 'com.docker.network.driver.overlay.vxlanid_list': '4097' }],
      like: '{parent: eth0}',
    }).default({}),
    labels: dockerLabels('network'),
  },
  '{driver: overlay}',
)
  .check(({ value, issues }) => {
    const isOverlay = value.driver === 'overlay';
    if (value.encrypted && !isOverlay) {
      complain(issues, 'option-conflict', 'only an overlay can be encrypted; remove the field', [
        'encrypted',
      ]);
    }
    if (isOverlay && value.ipam && subnetRange(value.ipam.subnet).prefix > MAX_OVERLAY_PREFIX) {
      const message = `an overlay needs more addresses; use /${MAX_OVERLAY_PREFIX} or a larger subnet, usually /24`;
      complain(issues, 'subnet-invalid', message, ['ipam', 'subnet']);
    }
    checkOptions(value, issues);
  })
  .transform((spec) => ({ ...spec, attachable: spec.attachable ?? spec.driver === 'overlay' }))
  .meta({ description: 'What the network is to be. Docker cannot change a network: see ovr/recreate.' });

function checkGateway(gateway: string, subnet: Ipv4Range, issues: Issues): void {
  const number = ipv4Number(gateway);
  if (number > subnet.first && number < subnet.last) return;
  const usable = `${formatIpv4(subnet.first + 1)} to ${formatIpv4(subnet.last - 1)}`;
  complain(issues, 'address-invalid', `${gateway} is no usable address of the subnet; use one of ${usable}`, [
    'gateway',
  ]);
}

function checkIpRange(text: string, subnet: Ipv4Range, issues: Issues): void {
  const range = subnetRange(text);
  if (range.first >= subnet.first && range.last <= subnet.last) return;
  const bounds = `${formatIpv4(subnet.first)}/${subnet.prefix}`;
  complain(issues, 'subnet-invalid', `${quote(text)} is not inside the subnet; use a part of ${bounds}`, [
    'ipRange',
  ]);
}

function checkOptions(
  spec: {
    readonly mtu?: number;
    readonly encrypted: boolean;
    readonly options: Readonly<Record<string, string>>;
  },
  issues: Issues,
): void {
  for (const [field, option] of Object.entries(OPTION_FIELDS)) {
    const isSet = field === 'mtu' ? spec.mtu !== undefined : spec.encrypted;
    if (!isSet || !Object.hasOwn(spec.options, option)) continue;
    complain(issues, 'option-conflict', `the option repeats the field ${field}; keep one of them`, [
      'options',
      option,
    ]);
  }
}
