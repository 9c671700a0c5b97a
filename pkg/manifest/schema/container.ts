import * as z from 'zod';
import {
  DEFAULT_UPDATE_STRATEGY,
  type ContainerSpec,
  type PortMapping,
  type VolumeMount,
} from '../objects.ts';
import {
  accept,
  expandPorts,
  parseCapability,
  parseDevice,
  parseExtraHost,
  parseHostname,
  parseImage,
  parseIp,
  parseMemory,
  parsePath,
  parsePort,
  parseRestartPolicy,
  parseSecurityOpt,
  parseSignal,
  parseTmpfs,
  parseVolume,
  quote,
  type Parsed,
} from '../value/index.ts';
import { attachments } from './attachments.ts';
import { nodeConstraint } from './constraints.ts';
import { dependsOn } from './depends-on.ts';
import { environment } from './environment.ts';
import {
  amount,
  choice,
  complain,
  flag,
  form,
  list,
  record,
  settle,
  textMap,
  word,
  type FieldMeta,
} from './field.ts';
import { duration, healthcheck } from './healthcheck.ts';
import { dockerLabels } from './labels.ts';
import { commandWords, ulimits } from './process.ts';
import { resources } from './resources.ts';
import { checkStartFirst, updateStrategy } from './update-strategy.ts';

const portForm = amount('port-invalid', parsePort, { description: '[[ADDRESS:]HOST:]CONTAINER[/PROTOCOL]' });
const ports: z.ZodType<PortMapping[]> = list(portForm, '["8001:22"]')
  .transform((ranges, context) => settle(expandPorts(ranges), 'port-invalid', context))
  .check(({ value, issues }) => {
    const seen = new Set<string>();
    for (const { hostIp = '', hostPort, containerPort, protocol } of value) {
      const address = hostIp === '0.0.0.0' ? '' : hostIp;
      const place = hostPort === undefined ? `container port ${containerPort}` : `${address}:${hostPort}`;
      const key = `${place}/${protocol}`;
      if (seen.has(key)) complain(issues, 'port-duplicate', `${key} is published twice; remove one`);
      seen.add(key);
    }
  })
  .meta({
    description:
      'Published ports: "HOST:CONTAINER", "ADDRESS:HOST:CONTAINER/udp", or ranges "8000-8005:9000-9005".',
    examples: [['8001:22', '127.0.0.1:80:80/tcp']],
  });

const volumeForm = form('volume-invalid', parseVolume, { description: 'SOURCE:TARGET[:MODE]' });
const volumes: z.ZodType<VolumeMount[]> = list(volumeForm, '["/opt/data:/data"]')
  .check(({ value, issues }) => {
    const targets = new Set<string>();
    for (const [index, { target }] of value.entries()) {
      if (targets.has(target))
        complain(issues, 'volume-duplicate', `${quote(target)} is mounted twice; remove one`, [index]);
      targets.add(target);
    }
  })
  .meta({
    description:
      'Mounts: "SOURCE:TARGET" or "SOURCE:TARGET:ro"; the source is an absolute host path or the name of a volume.',
    examples: [['/opt/data/nginx/logs:/opt/local/nginx/logs:rw']],
  });

/** The spec of a Container. */
export const containerSpec: z.ZodType<ContainerSpec> = record(
  {
    image: form('image-invalid', parseImage, { description: 'Image to run.', examples: ['nginx:1.27'] }),
    imagePullPolicy: choice(['Always', 'IfNotPresent', 'Never'], {
      description: 'When to pull the image before the container is made.',
    }).default('IfNotPresent'),
    nodeConstraint: nodeConstraint.default([]),
    reschedule: choice(['on-node-failure', 'never'], {
      description: 'Whether another node takes the container over when its node is lost.',
    }).default('never'),
    updateStrategy: updateStrategy.default(DEFAULT_UPDATE_STRATEGY),
    dependsOn: dependsOn.default([]),
    networks: z.exactOptional(attachments),
    command: z.exactOptional(
      commandWords("Replaces the image's entrypoint. Empty: as if left out.", [['httpd']]),
    ),
    args: z.exactOptional(
      commandWords("Replaces the image's command. Empty: as if left out.", [['-f', '-p', '80']]),
    ),
    env: environment.default([]),
    volumes: volumes.default([]),
    ports: ports.default([]),
    restartPolicy: form('value-unknown', parseRestartPolicy, {
      description: 'always, unless-stopped, on-failure[:TIMES] or no.',
      examples: ['always', 'on-failure:3'],
    }).default({ name: 'always', maximumRetryCount: 0 }),
    resources: resources.default({ limits: {}, requests: {} }),
    healthcheck: z.exactOptional(healthcheck),
    user: z.exactOptional(
      word({ description: 'User, or user:group, by name or number.', examples: ['1000:1000'] }),
    ),
    workingDir: z.exactOptional(path({ description: 'Working directory, absolute.', examples: ['/srv'] })),
    hostname: z.exactOptional(
      form('value-invalid', parseHostname, {
        description: 'Host name inside the container.',
        examples: ['web-1'],
      }),
    ),
    init: z.exactOptional(flag({ description: 'Run an init process that reaps children.' })),
    readOnly: z.exactOptional(flag({ description: "Make the container's own file system read-only." })),
    tmpfs: z.exactOptional(
      texts(parseTmpfs, { description: 'Memory file systems.', examples: [['/tmp:size=64m']] }),
    ),
    capAdd: z.exactOptional(
      texts(parseCapability, { description: 'Capabilities to add.', examples: [['NET_ADMIN']] }),
    ),
    capDrop: z.exactOptional(
      texts(parseCapability, { description: 'Capabilities to drop.', examples: [['ALL']] }),
    ),
    ulimits: z.exactOptional(ulimits),
    sysctls: z.exactOptional(
      textMap({
        description: 'Kernel parameters of the container.',
        examples: [{ 'net.core.somaxconn': '1024' }],
        like: '{net.core.somaxconn: "1024"}',
      }),
    ),
    dns: z.exactOptional(texts(parseIp, { description: 'Name servers.', examples: [['10.0.0.53']] })),
    dnsSearch: z.exactOptional(
      texts(parseWord, { description: 'Search domains.', examples: [['example.com']] }),
    ),
    dnsOptions: z.exactOptional(
      texts(parseWord, { description: 'Resolver options.', examples: [['ndots:1']] }),
    ),
    extraHosts: z.exactOptional(
      texts(parseExtraHost, {
        description: 'Lines for /etc/hosts: NAME:ADDRESS.',
        examples: [['db:10.0.0.7']],
      }),
    ),
    stopSignal: z.exactOptional(
      form('value-invalid', parseSignal, {
        description: 'Signal that asks the process to end.',
        examples: ['SIGQUIT'],
      }),
    ),
    stopGracePeriod: z.exactOptional(duration('Time the process has to end before it is killed.', '10s')),
    logging: z.exactOptional(
      record(
        {
          driver: word({ description: 'Logging driver.', examples: ['json-file'] }),
          options: textMap({
            description: 'Options of the driver, verbatim.',
            examples: [{ 'max-size': '10m' }],
            like: '{max-size: 10m}',
          }).default({}),
        },
        '{driver: json-file, options: {max-size: 10m}}',
      ).meta({ description: "Where output goes. Absent: the engine's default." }),
    ),
    devices: z.exactOptional(
      list(
        form('value-invalid', parseDevice, { description: 'HOST[:CONTAINER[:rwm]]' }),
        '["/dev/fuse:/dev/fuse:rwm"]',
      ).meta({ description: 'Devices of the host.', examples: [['/dev/fuse:/dev/fuse:rwm']] }),
    ),
    shmSize: z.exactOptional(
      amount('quantity-invalid', parseMemory, { description: 'Size of /dev/shm.', examples: ['64Mi'] }),
    ),
    securityOpt: z.exactOptional(
      texts(parseSecurityOpt, { description: 'Security options.', examples: [['no-new-privileges:true']] }),
    ),
    labels: dockerLabels('container'),
  },
  '{image: nginx:1.27}',
)
  .check(({ value, issues }) => checkStartFirst(value, issues))
  .transform(({ command, args, stopGracePeriod, shmSize, ...spec }): ContainerSpec => ({
    ...spec,
    ...(command?.length ? { command } : {}),
    ...(args?.length ? { args } : {}),
    ...(stopGracePeriod === undefined ? {} : { stopGracePeriodMs: stopGracePeriod }),
    ...(shmSize === undefined ? {} : { shmSizeBytes: shmSize }),
  }))
  .meta({ description: 'What is to run, where, and how.' });

function texts(parse: (text: string) => Parsed<string>, meta: FieldMeta): z.ZodType<string[], string[]> {
  const item = form('value-invalid', parse, { description: meta.description });
  return list(item, JSON.stringify(meta.examples?.[0])).meta({ ...meta });
}

function path(meta: FieldMeta): z.ZodType<string, string> {
  return form('value-invalid', parsePath, meta);
}

function parseWord(value: string): Parsed<string> {
  return /^\S+$/.test(value)
    ? accept(value)
    : { ok: false, message: `${quote(value)} must be one word without spaces` };
}
