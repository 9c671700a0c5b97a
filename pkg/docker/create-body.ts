import { OvrError } from '../api/index.ts';
import type {
  ContainerSpec,
  Healthcheck,
  PortMapping,
  RestartPolicy,
  VolumeMount,
} from '../manifest/index.ts';
import type { ContainerCreate, EndpointRequest } from '../plan/index.ts';
import { isAtLeast } from './version.ts';

const NANOSECONDS_PER_MS = 1_000_000;
const BILLION = 1_000_000_000;
/** Microseconds; the kernel's default, and what Docker takes for NanoCpus. */
const CPU_PERIOD = 100_000;

/**
 * Fields that older APIs do not know, and the first version that does. Two more are missing there but have an equal: NanoCpus (1.25)
 * is sent as CpuQuota, StopTimeout (1.25) is left out, since ovr gives its own grace period with each stop.
 */
const SINCE: readonly (readonly [field: string, since: string, isSet: (spec: ContainerSpec) => boolean])[] = [
  ['healthcheck', '1.24', (spec) => spec.healthcheck !== undefined],
  ['sysctls', '1.24', (spec) => spec.sysctls !== undefined],
  ['init', '1.25', (spec) => spec.init !== undefined],
  ['healthcheck.startPeriod', '1.29', (spec) => spec.healthcheck?.startPeriodMs !== undefined],
];

/**
 * The body of a container create. `env` holds `NAME=value` lines. Fails with `invalid-request` for a field that this API version
 * does not know.
 */
export function createBody(create: ContainerCreate, env: readonly string[], apiVersion: string): object {
  const { spec, labels, endpoint } = create;
  requireKnownFields(create, apiVersion);
  const stopTimeout = isAtLeast(apiVersion, '1.25') ? spec.stopGracePeriodMs : undefined;
  return withoutAbsent({
    Image: spec.image,
    Entrypoint: spec.command,
    Cmd: spec.args,
    Env: env,
    Labels: labels,
    Hostname: spec.hostname,
    User: spec.user,
    WorkingDir: spec.workingDir,
    ExposedPorts: exposedPorts(spec.ports),
    Healthcheck: healthcheck(spec.healthcheck),
    StopSignal: spec.stopSignal,
    StopTimeout: stopTimeout === undefined ? undefined : wholeSeconds(stopTimeout),
    HostConfig: { ...hostConfig(spec, apiVersion), ...networkMode(create) },
    NetworkingConfig: endpoint && { EndpointsConfig: { [endpoint.network.name]: endpointConfig(endpoint) } },
  });
}

/**
 * The settings of one endpoint, always complete: what is left out is lost. With the ID in it, a container that is started later is
 * attached to that network even where others have its name.
 */
export function endpointConfig({ network, aliases, ipv4Address }: EndpointRequest): object {
  return {
    ...(network.id === undefined ? {} : { NetworkID: network.id }),
    ...(aliases.length === 0 ? {} : { Aliases: aliases }),
    ...(ipv4Address === undefined ? {} : { IPAMConfig: { IPv4Address: ipv4Address } }),
  };
}

/** How a network is named to the engine: by ID where it is known, since names can be ambiguous. */
export function networkOf({ network }: Pick<EndpointRequest, 'network'>): string {
  return network.id ?? network.name;
}

/** Seconds, rounded up: a shorter grace period than asked for could lose data. */
export function wholeSeconds(ms: number): number {
  return Math.ceil(ms / 1000);
}

export function restartPolicyBody(policy: RestartPolicy): object {
  return { Name: policy.name, MaximumRetryCount: policy.maximumRetryCount };
}

/** A CPU limit in the words of this API version. */
export function cpuBody(nanoCpus: number | undefined, apiVersion: string): object {
  if (nanoCpus === undefined) return {};
  if (isAtLeast(apiVersion, '1.25')) return { NanoCpus: nanoCpus };
  return { CpuPeriod: CPU_PERIOD, CpuQuota: Math.round((nanoCpus / BILLION) * CPU_PERIOD) };
}

function requireKnownFields({ name, spec }: ContainerCreate, apiVersion: string): void {
  const unknown = SINCE.find(([, since, isSet]) => isSet(spec) && !isAtLeast(apiVersion, since));
  if (unknown === undefined) return;
  const [field, since] = unknown;
  const message = `Cannot create container ${name}: spec.${field} needs Docker API ${since}, the one in use is ${apiVersion}. Remove the field or upgrade Docker.`;
  throw new OvrError('invalid-request', 'invalid', message);
}

/** By name: a container that names its network by ID can never be started again once that network was made anew (Docker 26). */
function networkMode({ spec, endpoint }: ContainerCreate): object {
  if (endpoint !== undefined) return { NetworkMode: endpoint.network.name };
  return spec.networks?.length === 0 ? { NetworkMode: 'none' } : {};
}

function hostConfig(spec: ContainerSpec, apiVersion: string): object {
  const { limits } = spec.resources;
  return withoutAbsent({
    Binds: spec.volumes.length === 0 ? undefined : spec.volumes.map(bind),
    PortBindings: portBindings(spec.ports),
    RestartPolicy: restartPolicyBody(spec.restartPolicy),
    ...cpuBody(limits.nanoCpus, apiVersion),
    Memory: limits.memoryBytes,
    Init: spec.init,
    ReadonlyRootfs: spec.readOnly,
    Tmpfs: tmpfs(spec.tmpfs),
    CapAdd: spec.capAdd,
    CapDrop: spec.capDrop,
    Ulimits: spec.ulimits?.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    Sysctls: spec.sysctls,
    Dns: spec.dns,
    DnsSearch: spec.dnsSearch,
    DnsOptions: spec.dnsOptions,
    ExtraHosts: spec.extraHosts,
    LogConfig: spec.logging && { Type: spec.logging.driver, Config: spec.logging.options },
    Devices: spec.devices?.map(({ hostPath, containerPath, permissions }) => ({
      PathOnHost: hostPath,
      PathInContainer: containerPath,
      CgroupPermissions: permissions,
    })),
    ShmSize: spec.shmSizeBytes,
    SecurityOpt: spec.securityOpt,
  });
}

function bind({ source, target, mode }: VolumeMount): string {
  return mode === undefined ? `${source}:${target}` : `${source}:${target}:${mode}`;
}

function portKey({ containerPort, protocol }: PortMapping): string {
  return `${containerPort}/${protocol}`;
}

function exposedPorts(ports: readonly PortMapping[]): object | undefined {
  if (ports.length === 0) return undefined;
  return Object.fromEntries(ports.map((port) => [portKey(port), {}]));
}

/** One container port can have several host ports. */
function portBindings(ports: readonly PortMapping[]): object | undefined {
  if (ports.length === 0) return undefined;
  const bindings = new Map<string, object[]>();
  for (const port of ports) {
    const ofPort = bindings.get(portKey(port)) ?? [];
    // Docker reads a missing host port as "any".
    ofPort.push({ HostIp: port.hostIp ?? '', HostPort: port.hostPort?.toString() ?? '' });
    bindings.set(portKey(port), ofPort);
  }
  return Object.fromEntries(bindings);
}

/** `/path:options` → options by path. */
function tmpfs(mounts: readonly string[] | undefined): object | undefined {
  const pairs = mounts?.map((mount) => {
    const colon = mount.indexOf(':');
    return colon === -1 ? [mount, ''] : [mount.slice(0, colon), mount.slice(colon + 1)];
  });
  return pairs && (Object.fromEntries(pairs) as object);
}

function healthcheck(check: Healthcheck | undefined): object | undefined {
  if (check === undefined) return undefined;
  return withoutAbsent({
    Test: check.test,
    Interval: nanoseconds(check.intervalMs),
    Timeout: nanoseconds(check.timeoutMs),
    Retries: check.retries,
    StartPeriod: nanoseconds(check.startPeriodMs),
  });
}

function nanoseconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms * NANOSECONDS_PER_MS;
}

/** Without the fields that the manifest does not set: those are the engine's to choose. */
function withoutAbsent(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
