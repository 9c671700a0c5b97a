import { KINDS, objectKey } from '../api/index.ts';
import type { CheckReport } from '../check/index.ts';
import type {
  AgentControl,
  AgentStatus,
  AgentView,
  ClusterView,
  ObjectStatus,
  RevisionControl,
  SuspensionControl,
  SwitchControl,
} from '../reconcile/index.ts';
import { hook, sync } from './git-routes.ts';
import type { GitServices } from './git-services.ts';
import type { JsonBody } from './json-body.ts';
import { HttpError, json, text, type Reply } from './reply.ts';
import { REPUBLISH_ROUTE } from './republish-route.ts';
import { REVISION_ROUTES } from './revision-routes.ts';
import { SUSPEND_ROUTES } from './suspend-routes.ts';
import { SWITCH_ROUTES } from './switch-routes.ts';

/** What the routes work on. */
export interface Services {
  readonly view: AgentView;
  readonly control: AgentControl;
  readonly revisions: RevisionControl;
  readonly switches: SwitchControl;
  readonly suspensions: SuspensionControl;
  readonly metrics: { readonly contentType: string; render(): Promise<string> };
  /** The view's `cluster()`, read once for all who ask at the same time: it may be thousands of reads of a coordinator that others need. */
  readonly readCluster: () => Promise<ClusterView>;
  /** Looks at names and reachability from inside the containers' networks; no names: of all networks. */
  readonly check: (networks: readonly string[]) => Promise<CheckReport>;
  /** Absent: no source is a Git repository. */
  readonly git?: GitServices;
}

export interface Call {
  readonly services: Services;
  /** What stands for `:name` in the path, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Exactly the bytes that came; empty unless the route wants them. */
  readonly body: Uint8Array;
  /** What it carried as JSON; empty unless the route takes JSON. */
  readonly json: JsonBody;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly help: string;
  /** Not over TCP: it changes something or makes the engine work. */
  readonly onlySocket?: true;
  /** From anywhere and over TCP too, since the request itself carries a proof; its body is kept. */
  readonly isHook?: true;
  /** It carries a JSON object. */
  readonly takesJson?: true;
  readonly handle: (call: Call) => Reply | Promise<Reply>;
}

/** The whole API. */
export const ROUTES: readonly Route[] = [
  { method: 'GET', path: '/', help: 'This list', handle: listPaths },
  { method: 'GET', path: '/metrics', help: 'Metrics for Prometheus', handle: renderMetrics },
  { method: 'GET', path: '/healthz', help: '200 while the process lives', handle: () => text('ok\n') },
  {
    method: 'GET',
    path: '/readyz',
    help: '200 after the first round, while the engine answers; else 503',
    handle: readiness,
  },
  {
    method: 'GET',
    path: '/v1/status',
    help: 'The whole agent',
    handle: ({ services }) => json(services.view.status()),
  },
  {
    method: 'GET',
    path: '/v1/objects',
    help: 'All objects',
    handle: ({ services }) => json({ objects: services.view.status().objects }),
  },
  { method: 'GET', path: '/v1/objects/:kind/:name', help: 'One object', handle: oneObject },
  {
    method: 'GET',
    path: '/v1/events',
    help: 'Events; ?after=ID: newer ones, ?follow=true: as lines, without end',
    handle: events,
  },
  {
    method: 'GET',
    path: '/v1/cluster',
    help: 'All nodes, containers and networks of the cluster',
    handle: async ({ services }) => json(await services.readCluster()),
  },
  {
    method: 'GET',
    path: '/v1/diff',
    help: 'What a round would do now',
    onlySocket: true,
    handle: async ({ services }) => json({ changes: await services.control.diff() }),
  },
  ...REVISION_ROUTES,
  ...SWITCH_ROUTES,
  ...SUSPEND_ROUTES,
  REPUBLISH_ROUTE,
  {
    method: 'GET',
    path: '/v1/check',
    help: 'Do all names resolve and all hosts reach each other; ?network=NAME: only there',
    onlySocket: true,
    handle: check,
  },
  {
    method: 'POST',
    path: '/v1/prune/confirm',
    help: 'Let the removals that are held go ahead',
    onlySocket: true,
    handle: async ({ services }) => json({ confirmed: await services.control.confirmPrune() }),
  },
  { method: 'POST', path: '/v1/resync', help: 'Look again at once', onlySocket: true, handle: resync },
  {
    method: 'POST',
    path: '/v1/sync',
    help: 'Ask the Git remote now; answers what is applied then',
    onlySocket: true,
    handle: sync,
  },
  {
    method: 'POST',
    path: '/v1/hooks/git',
    help: 'Webhook of GitHub, Gitea or GitLab: ask the Git remote soon',
    isHook: true,
    handle: hook,
  },
];

function listPaths({ services }: Call): Reply {
  const { version, node, cluster } = services.view.status();
  const lines = ROUTES.map(({ method, path, help, onlySocket }) => {
    const note = onlySocket ? ' (socket only)' : '';
    return `${method.padEnd(4)} ${path.padEnd(23)} ${help}${note}`;
  });
  return text(
    `ovrd ${version} on ${node || 'a node whose engine has not answered yet'}, cluster ${cluster}\n\n${lines.join('\n')}\n`,
  );
}

async function renderMetrics({ services }: Call): Promise<Reply> {
  const { contentType } = services.metrics;
  return { type: 'text', status: 200, contentType, body: await services.metrics.render() };
}

function readiness({ services }: Call): Reply {
  const reason = unreadyReason(services.view.status());
  const body = reason === undefined ? { ready: true } : { ready: false, reason };
  return { type: 'json', status: reason === undefined ? 200 : 503, body };
}

function unreadyReason({ engine, lastRoundMs }: AgentStatus): string | undefined {
  if (!engine.up) return `the engine does not answer: ${engine.message}`;
  return lastRoundMs === undefined ? 'the first round is not done yet' : undefined;
}

function oneObject({ services, parameters }: Call): Reply {
  return json(findObject(services.view.status().objects, parameters));
}

function findObject(objects: readonly ObjectStatus[], parameters: Call['parameters']): ObjectStatus {
  const { kind: asked = '', name = '' } = parameters;
  const kind = KINDS.find((known) => known.toLowerCase() === asked.toLowerCase());
  if (kind === undefined) {
    throw new HttpError(404, 'unknown-kind', `there is no kind "${asked}": use ${KINDS.join(' or ')}`);
  }
  const key = objectKey(kind, name);
  const found = objects.find((object) => object.key === key);
  if (found) return found;
  throw new HttpError(404, 'unknown-object', `there is no ${key} on this node: see /v1/objects`);
}

function events({ services, query }: Call): Reply {
  const after = query.get('after') ?? '0';
  if (!/^\d{1,15}$/.test(after)) {
    throw new HttpError(400, 'invalid-query', `after=${after}: write the ID of an event, a whole number`);
  }
  const follow = query.get('follow') ?? 'false';
  if (follow === 'true') return { type: 'follow', afterId: Number(after) };
  if (follow === 'false') return json({ events: services.view.events(Number(after)) });
  throw new HttpError(400, 'invalid-query', `follow=${follow}: write true or false`);
}

function resync({ services }: Call): Reply {
  services.control.resync();
  return { type: 'json', status: 202, body: {} };
}

async function check({ services, query }: Call): Promise<Reply> {
  const networks = query.getAll('network');
  if (networks.includes('')) {
    throw new HttpError(
      400,
      'invalid-query',
      'network=: write the name or the ID of a network, or leave it out',
    );
  }
  return json(await services.check(networks));
}
