/** A real ZooKeeper server for a test: on loopback or in a lab host's network, ended by its process id and with this process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureDebianPackages } from '../tools/packages.ts';
import { freePort } from '../tools/prometheus.ts';
import { type ProcessRef, isAlive, ownLine, processRef, signal, waitGone } from './processes.ts';
import { until } from './run.ts';
import { netnsFile } from './state.ts';

export interface ZooKeeperOptions {
  /** The address it listens on, 127.0.0.1 by default. */
  host?: string;
  /** A free one of this machine by default; 2181 in a lab host's network. */
  port?: number;
  /** The name of the network namespace to run in (`LabHost.netns`); this process's own by default. */
  netns?: string;
  /** Where its data are and stay; by default a folder that goes when it stops. */
  folder?: string;
  /** The unit of its clock: sessions end at multiples of it. 200 by default. */
  tickTimeMs?: number;
  /** Twice and 200 times the tick by default. */
  minSessionTimeoutMs?: number;
  maxSessionTimeoutMs?: number;
  /** Connections of one client address; 0, the default, is any number. */
  maxClientConnections?: number;
  /** -Xmx, in megabytes; 256 by default. */
  heapMb?: number;
  /** Flags of the Java machine besides; by default those that start it fast. */
  javaFlags?: string[];
  /** Lines of zoo.cfg besides. */
  settings?: Record<string, string | number>;
  /** Its own number, and per number what stands after `server.N=`. */
  ensemble?: { id: number; members: Record<number, string> };
}

const readyMs = 30_000;
const stopMs = 10_000;
const folderName = /^ovr-zookeeper-(\d+)-(\d+)-/;
const fastStart = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];
const logging = [
  'log4j.rootLogger=WARN, CONSOLE',
  'log4j.appender.CONSOLE=org.apache.log4j.ConsoleAppender',
  'log4j.appender.CONSOLE.layout=org.apache.log4j.PatternLayout',
  'log4j.appender.CONSOLE.layout.ConversionPattern=%d{ISO8601} %-5p %c{1} %m%n',
];

export class ZooKeeperServer {
  readonly host: string;
  readonly port: number;
  /** As `127.0.0.1:40123`. */
  readonly address: string;
  readonly folder: string;
  /** The file that its output goes to. */
  readonly log: string;
  readonly #options: ZooKeeperOptions;
  #process: { ref: ProcessRef; child: ChildProcess } | undefined;

  constructor(options: ZooKeeperOptions, place: { host: string; port: number; folder: string }) {
    this.#options = options;
    this.host = place.host;
    this.port = place.port;
    this.address = `${place.host}:${place.port}`;
    this.folder = place.folder;
    this.log = join(place.folder, 'zookeeper.log');
  }

  /** Its process id, while it runs. */
  get pid(): number | undefined {
    return this.#process !== undefined && isAlive(this.#process.ref) ? this.#process.ref.pid : undefined;
  }

  /** Starts it, on the data of before if there are any, and waits until it serves. Does nothing when it runs. */
  async start(): Promise<void> {
    if (this.pid !== undefined) return;
    await this.#configure();
    const command = [...this.#enter(), ...this.#java()];
    const output = openSync(this.log, 'a');
    const child = spawn(command[0] ?? '', command.slice(1), { stdio: ['ignore', output, output] });
    closeSync(output);
    await once(child, 'spawn');
    const ref = processRef(child.pid ?? 0);
    if (ref === undefined) throw await this.#failure();
    this.#process = { ref, child };
    try {
      await until(`ZooKeeper on ${this.address}`, readyMs, () => this.#serves());
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  async #serves(): Promise<true | undefined> {
    if (this.pid === undefined) throw await this.#failure();
    const answer = await this.command('srvr').catch(() => '');
    return answer.includes('Mode: ') ? true : undefined;
  }

  async #failure(): Promise<Error> {
    const lines = (await readFile(this.log, 'utf8').catch(() => '')).trim().split('\n');
    return new Error(`ZooKeeper on ${this.address} ended:\n${lines.slice(-8).join('\n')}`);
  }

  /** Its answer to a four-letter command: `srvr`, `cons`, `wchs`, `mntr`, `dump`. */
  async command(word: string, timeoutMs = 2_000): Promise<string> {
    const socket = connect(this.port, this.host);
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`${this.address} does not answer ${word}`)));
    socket.end(word);
    let text = '';
    for await (const chunk of socket as AsyncIterable<Buffer>) text += chunk.toString();
    return text;
  }

  /** Ends it as a service manager does; its data stay. */
  async halt(): Promise<void> {
    this.thaw(); // a frozen one would not hear
    await this.#end('SIGTERM');
  }

  /** Ends it as a crash does; its data stay. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(name: NodeJS.Signals): Promise<void> {
    if (this.#process === undefined) return;
    const { ref, child } = this.#process;
    signal([ref], name);
    await waitGone([ref], stopMs).catch(async () => {
      signal([ref], 'SIGKILL');
      await waitGone([ref], stopMs);
    });
    child.unref();
    this.#process = undefined;
  }

  async restart(): Promise<void> {
    await this.halt();
    await this.start();
  }

  /** Stops it in its tracks: connections to it succeed and nothing answers. */
  freeze(): void {
    signal(this.#running(), 'SIGSTOP');
  }

  thaw(): void {
    if (this.pid !== undefined) signal(this.#running(), 'SIGCONT');
  }

  #running(): ProcessRef[] {
    if (this.#process === undefined) throw new Error(`ZooKeeper on ${this.address} is not running`);
    return [this.#process.ref];
  }

  /** Ends it, and removes its folder unless that was given. */
  async stop(): Promise<void> {
    await this.kill();
    if (this.#options.folder === undefined) await rm(this.folder, { recursive: true, force: true });
  }

  // Both replace themselves by what they start, so the child is Java itself; the kernel ends it when this process is gone.
  #enter(): string[] {
    const { netns } = this.#options;
    const network = netns === undefined ? [] : ['nsenter', `--net=${netnsFile(netns)}`, '--'];
    return [...network, 'setpriv', '--pdeathsig', 'KILL', '--'];
  }

  #java(): string[] {
    const { heapMb = 256, javaFlags = fastStart } = this.#options;
    const classPath = `${this.folder}:/usr/share/java/zookeeper.jar`;
    const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
    return ['java', `-Xmx${heapMb}m`, ...javaFlags, '-cp', classPath, main, join(this.folder, 'zoo.cfg')];
  }

  async #configure(): Promise<void> {
    const { tickTimeMs = 200, ensemble } = this.#options;
    const data = join(this.folder, 'data');
    await mkdir(data, { recursive: true });
    const settings: Record<string, string | number> = {
      dataDir: data,
      clientPort: this.port,
      clientPortAddress: this.host,
      tickTime: tickTimeMs,
      minSessionTimeout: this.#options.minSessionTimeoutMs ?? 2 * tickTimeMs,
      maxSessionTimeout: this.#options.maxSessionTimeoutMs ?? 200 * tickTimeMs,
      maxClientCnxns: this.#options.maxClientConnections ?? 0,
      initLimit: 50,
      syncLimit: 25,
      'admin.enableServer': 'false',
      '4lw.commands.whitelist': '*',
      ...Object.fromEntries(Object.entries(ensemble?.members ?? {}).map(([id, at]) => [`server.${id}`, at])),
      ...this.#options.settings,
    };
    const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
    await writeFile(join(this.folder, 'zoo.cfg'), lines.join(''));
    await writeFile(join(this.folder, 'log4j.properties'), `${logging.join('\n')}\n`);
    if (ensemble !== undefined) await writeFile(join(data, 'myid'), `${ensemble.id}\n`);
  }
}

/** Starts a server and waits until it serves. Installs it first, and Java, where they are missing. */
export async function startZooKeeper(options: ZooKeeperOptions = {}): Promise<ZooKeeperServer> {
  const server = await prepareZooKeeper(options);
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** A server with an address and a folder that has not been started: the members of an ensemble need each other's addresses. */
export async function prepareZooKeeper(options: ZooKeeperOptions = {}): Promise<ZooKeeperServer> {
  await ensureDebianPackages(['zookeeper', 'default-jre-headless']);
  await removeLeftovers();
  const host = options.host ?? '127.0.0.1';
  const port = options.port ?? (options.netns === undefined ? await freePort() : 2181);
  return new ZooKeeperServer(options, { host, port, folder: options.folder ?? (await ownFolder()) });
}

async function ownFolder(): Promise<string> {
  const self = processRef(process.pid);
  return await mkdtemp(join(tmpdir(), `ovr-zookeeper-${process.pid}-${self?.start ?? '0'}-`));
}

/** Folders of test processes that ended before they could remove them; their servers ended with them. */
async function removeLeftovers(): Promise<void> {
  const line = ownLine();
  for (const name of await readdir(tmpdir())) {
    const [, pid = '', start = ''] = folderName.exec(name) ?? [];
    if (pid === '' || line.has(Number(pid)) || isAlive({ pid: Number(pid), start })) continue;
    await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}
