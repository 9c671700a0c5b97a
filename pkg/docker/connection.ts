import { Agent as PlainAgent, IncomingMessage } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { inspect } from 'node:util';
import Docker from 'dockerode';
import { OvrError, errorMessage } from '../api/index.ts';
import type { Address, TlsOptions } from './address.ts';

export interface Request {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With the API version, without the query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON; absent: no body. */
  readonly body?: object;
}

/**
 * Sends one request and hands over the answer as soon as its head is there, whatever its status. Aborting the signal ends
 * request and answer; the caller reads the answer to its end or aborts.
 */
export type Open = (request: Request, signal: AbortSignal) => Promise<IncomingMessage>;

/** What is used of dockerode's modem. Its types leave the modem untyped. */
interface Modem {
  dial(options: object, callback: (error: unknown, result: unknown) => void): void;
  buildRequest(options: object, ...rest: unknown[]): void;
}

/** The modem turns every other status into an Error of its own and so loses what the engine said. */
const EVERY_STATUS = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [100 + index, true]));

/**
 * Opens requests through dockerode's modem. Only its raw streams are used: where the modem reads a body itself, a body that is cut
 * never settles the promise, and one that is not JSON comes back as a Buffer.
 */
export function openWith(address: Address, tls: TlsOptions = {}): Open {
  const modem = modemFor(address, tls);
  return (request, signal) =>
    new Promise((resolve, reject) => {
      modem.dial(dialOptions(request, signal), (error, result) => {
        if (result instanceof IncomingMessage) resolve(result);
        else reject(error instanceof Error ? error : new Error(`no answer: ${String(error)}`));
      });
    });
}

function dialOptions({ method, path, query, body }: Request, signal: AbortSignal): object {
  const hasQuery = query !== undefined && Object.keys(query).length > 0;
  return {
    method,
    path: hasQuery ? `${path}?` : path,
    options: { _query: query ?? {}, _body: body ?? {} },
    // The modem sends no body that is empty, but a create with every default has one.
    allowEmpty: body !== undefined,
    headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
    isStream: true,
    statusCodes: EVERY_STATUS,
    abortSignal: signal,
  };
}

const REQUEST_GUARDS = {
  // An engine never redirects; following one would send the request to wherever the answer says.
  maxRedirects: 0,
  // The modem renders every request for its debug log, also when that is off: with all open sockets that takes milliseconds.
  [inspect.custom]: (): string => 'a request',
};

function modemFor(address: Address, tls: TlsOptions): Modem {
  // Its types hide the method that is replaced here; what is used of it is `Modem`.
  const modem = newDocker({ ...WITHOUT_ENVIRONMENT, ...target(address, tls) }).modem as unknown as Modem;
  const build = modem.buildRequest.bind(modem);
  modem.buildRequest = (request, ...rest) => build({ ...request, ...REQUEST_GUARDS }, ...rest);
  return modem;
}

/** The modem reads DOCKER_HOST and the files of DOCKER_CERT_PATH even where it is told another address, and can stumble there. */
function newDocker(options: object): Docker {
  try {
    return new Docker(options);
  } catch (error) {
    const message = `The DOCKER_HOST and DOCKER_CERT_PATH variables cannot be used: ${errorMessage(error)}. Unset or mend them.`;
    throw new OvrError('invalid-request', 'invalid', message, { cause: error });
  }
}

/** The modem takes what is not named from DOCKER_* variables; these must not mix with the address that was asked for. */
const WITHOUT_ENVIRONMENT = {
  host: undefined,
  port: undefined,
  ca: undefined,
  cert: undefined,
  key: undefined,
  timeout: undefined,
  pathPrefix: '/',
};

function target(address: Address, tls: TlsOptions): object {
  // One connection a request: none is left open, none is half dead after an engine restart.
  const keepAlive = false;
  if ('socketPath' in address) {
    return { socketPath: address.socketPath, protocol: 'http', agent: new PlainAgent({ keepAlive }) };
  }
  const { hostname: host, port, secure } = address;
  if (!secure) return { host, port, protocol: 'http', agent: new PlainAgent({ keepAlive }) };
  const { verify = true, ...identity } = tls;
  const agent = new SecureAgent({ ...identity, keepAlive, rejectUnauthorized: verify });
  return { host, port, protocol: 'https', agent };
}
