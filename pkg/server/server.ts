import { chmod } from 'node:fs/promises';
import type { Server as HttpServer } from 'node:http';
import { hostname } from 'node:os';

import { errorMessage, type Clock, type Logger } from '../api/index.ts';
import { Followers } from './followers.ts';
import { HookBodies } from './guards.ts';
import { createListener } from './listener.ts';
import type { Surface } from './router.ts';
import type { Services } from './routes.ts';
import { shareCalls } from './share-calls.ts';
import { clearSocketPath } from './socket-file.ts';

interface Address {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

export interface ServerOptions extends Omit<Services, 'readCluster'> {
  /** Where the read-only API is; absent: nowhere. */
  readonly listen?: Address;
  /** Where the full API is; absent: nowhere. */
  readonly socketPath?: string;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface Server {
  /** Listens on all addresses or fails with a message for the operator. Answers where TCP is listened on. */
  start(): Promise<Address | undefined>;
  /** Ends open streams, lets other answers finish for a second, removes the socket. */
  stop(): Promise<void>;
}

/** How long answers that are under way get when the server stops. */
const STOP_GRACE_MS = 1_000;

/** The agent's HTTP API on TCP (read-only) and on a unix socket (everything). */
export function createServer(options: ServerOptions): Server {
  return new ApiServer(options);
}

class ApiServer implements Server {
  readonly #options: ServerOptions;
  readonly #followers: Followers;
  readonly #readCluster: Services['readCluster'];
  readonly #hookBodies = new HookBodies();
  readonly #listening: HttpServer[] = [];
  #started = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#followers = new Followers(options.view, options.clock);
    this.#readCluster = shareCalls(() => options.view.cluster());
  }

  async start(): Promise<Address | undefined> {
    if (this.#started) throw new Error('the server was started twice');
    this.#started = true;
    const { socketPath, listen, logger } = this.#options;
    try {
      if (socketPath !== undefined) await this.#openSocket(socketPath);
      const address = listen && (await this.#openPort(listen));
      logger.info({ socket: socketPath, listen: address && `${address.host}:${address.port}` }, 'serving');
      return address;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#followers.close();
    const closing = this.#listening.splice(0).map((server) => this.#close(server));
    await Promise.all(closing);
  }

  async #openSocket(path: string): Promise<void> {
    try {
      await clearSocketPath(path);
      await this.#open('socket', [], { path });
      await chmod(path, 0o600);
    } catch (error) {
      throw explained(`cannot serve on ${path}`, error, 'choose another --socket');
    }
  }

  async #openPort({ host, port }: Address): Promise<Address> {
    try {
      const server = await this.#open('tcp', [host, hostname()], { host, port });
      const bound = server.address();
      return { host, port: typeof bound === 'object' && bound !== null ? bound.port : port };
    } catch (error) {
      throw explained(`cannot listen on ${host}:${port}`, error, 'choose another --listen, or none');
    }
  }

  #open(
    surface: Surface,
    hostNames: readonly string[],
    where: { path: string } | Address,
  ): Promise<HttpServer> {
    const { view, control, revisions, switches, suspensions, metrics, check, git, logger } = this.#options;
    const services = {
      view,
      control,
      revisions,
      switches,
      suspensions,
      metrics,
      check,
      readCluster: this.#readCluster,
      ...(git ? { git } : {}),
    };
    const [followers, hookBodies] = [this.#followers, this.#hookBodies];
    const server = createListener({ surface, services, followers, hookBodies, logger, hostNames });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(where, () => {
        server.off('error', reject);
        server.on('error', (error) => logger.error({ surface, error: error.message }, 'server error'));
        this.#listening.push(server);
        resolve(server);
      });
    });
  }

  #close(server: HttpServer): Promise<void> {
    const cancel = this.#options.clock.after(STOP_GRACE_MS, () => server.closeAllConnections());
    return new Promise((resolve) => {
      server.close(() => {
        cancel();
        resolve();
      });
      server.closeIdleConnections();
    });
  }
}

const MEANINGS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process is there',
  EADDRNOTAVAIL: 'this host has no such address',
  EACCES: 'permission denied',
  ENOTFOUND: 'the name is unknown',
};

function explained(what: string, error: unknown, next: string): Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  const message = errorMessage(error);
  if (code === undefined) return new Error(message, { cause: error });
  return new Error(`${what}: ${MEANINGS[code] ?? message}: ${next}`, { cause: error });
}
