import { HttpError } from './reply.ts';
import { ROUTES, type Route } from './routes.ts';

/** Where a request came in; over TCP only reading is allowed. */
export type Surface = 'tcp' | 'socket';

interface Found {
  readonly route: Route;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Finds the route of a request. Fails with an HttpError that says what is allowed instead. */
export function findRoute(surface: Surface, method: string, path: string): Found {
  const wanted = method === 'HEAD' ? 'GET' : method;
  const candidates = ROUTES.flatMap((route): Found[] => {
    const parameters = matchPath(route.path, path);
    return parameters ? [{ route, parameters }] : [];
  });
  const isHook = candidates.some(({ route }) => route.isHook);
  if (surface === 'tcp' && wanted !== 'GET' && !isHook) throw readOnly(`${method} is not allowed here`);
  if (candidates.length === 0)
    throw new HttpError(404, 'unknown-path', `there is no ${path}: see / for a list`);
  const found = candidates.find(({ route }) => route.method === wanted);
  if (surface === 'tcp' && (found ?? candidates[0])?.route.onlySocket)
    throw readOnly(`${path} is not served here`);
  if (found) return found;
  const allowed = candidates.map(({ route }) => route.method).join(', ');
  throw new HttpError(405, 'method-not-allowed', `${path} takes ${allowed}, not ${method}`);
}

function readOnly(what: string): HttpError {
  const message = `${what}: this address is read-only. Use ovr on the node itself: it asks the agent's socket`;
  return new HttpError(403, 'read-only', message);
}

/** The values of the pattern's `:names`, or undefined where the path is another one. */
function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  if (wanted.length !== given.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const text = given[index] ?? '';
    if (!part.startsWith(':') && part !== text) return undefined;
    if (part.startsWith(':')) parameters[part.slice(1)] = decode(text);
  }
  return parameters;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new HttpError(400, 'invalid-path', `"${text}" is not valid in a path: check the percent signs`);
  }
}
