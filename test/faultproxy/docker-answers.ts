/** Answers of a small Docker host, for scripted engines: what a test changes is given, the rest is as Docker has it. */
import { ownerLabels } from '../../pkg/api/index.ts';
import type { Script, ScriptedAnswer } from './scripted-engine.ts';

export interface ScriptedContainer {
  readonly id: string;
  readonly name: string;
  /** Whether ovr made it. */
  readonly isOwned?: boolean;
  readonly state?: string;
  readonly networks?: Readonly<Record<string, object>>;
}

export interface ScriptedHost {
  info?: object;
  containers?: readonly ScriptedContainer[];
  networks?: readonly object[];
  /** Goes first; what it does not answer, the host does. */
  also?: Script;
}

const INFO = { ID: 'ENGINE', Name: 'swarm-node-1', ServerVersion: '20.10.24', NCPU: 2, MemTotal: 4096 };

/** Plays a host that can be changed while it plays. */
export function playHost(host: ScriptedHost): Script {
  return (request) => host.also?.(request) ?? answerOf(host, request.path.replace(/^\/v[\d.]+/, ''));
}

function answerOf(host: ScriptedHost, path: string): ScriptedAnswer | undefined {
  if (path === '/info') return { json: { ...INFO, ...host.info } };
  if (path === '/version') return { json: { Version: '20.10.24', ApiVersion: '1.41' } };
  if (path === '/networks') return { json: host.networks ?? [] };
  if (path === '/containers/json') return { json: (host.containers ?? []).map(listed) };
  if (path === '/events') return (response) => response.flushHeaders();
  const id = /^\/containers\/([^/]+)\/json$/.exec(path)?.[1];
  if (id === undefined) return undefined;
  const container = host.containers?.find((candidate) => candidate.id === id);
  if (container !== undefined) return { json: inspected(container) };
  return { status: 404, json: { message: `No such container: ${id}` } };
}

function listed(container: ScriptedContainer): object {
  return {
    Id: container.id,
    Names: [`/${container.name}`],
    Image: 'busybox',
    Created: 1_795_404_890,
    Labels: labelsOf(container),
    State: container.state ?? 'running',
    Status: 'Up 5 minutes',
    NetworkSettings: { Networks: container.networks ?? {} },
  };
}

function inspected(container: ScriptedContainer): object {
  return {
    Id: container.id,
    Name: `/${container.name}`,
    State: { Status: container.state ?? 'running', ExitCode: 0, StartedAt: '2026-11-23T03:34:51Z' },
    Config: { Hostname: container.id.slice(0, 12), Image: 'busybox', Labels: labelsOf(container) },
    HostConfig: { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } },
    NetworkSettings: { Networks: container.networks ?? {} },
  };
}

function labelsOf({ name, isOwned = true }: ScriptedContainer): Record<string, string> {
  return isOwned ? ownerLabels({ cluster: 'test', kind: 'Container', name, specHash: 'hash' }) : {};
}
