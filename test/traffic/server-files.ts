/** Puts the server where containers can run it: they have nothing but busybox. */
import { copyFile, link, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { must } from '../lab/run.ts';

const INSIDE = '/traffic';
const SOURCES = ['server.ts', 'pattern.ts', 'protocol.ts'];

/** What a container's manifest says to run the server. */
export interface ServerSpec {
  readonly image: string;
  readonly command: string[];
  readonly args: string[];
  readonly env: { name: string; value: string }[];
  readonly volumes: string[];
  readonly stopSignal: string;
}

/** Node, its libraries and the server, in one folder under /tmp, which every host of a lab has too. */
export class ServerFiles {
  readonly #folder: string;
  readonly #loader: string;

  static async make(): Promise<ServerFiles> {
    const folder = await mkdtemp(join(tmpdir(), 'ovr-traffic-'));
    try {
      await mkdir(join(folder, 'lib'));
      // as `libc.so.6 => /lib/…/libc.so.6 (0x…)`, and the loader as its bare path
      const paths = [...(await must(['ldd', process.execPath])).matchAll(/(\/\S+) \(0x/g)].map(
        ([, path = '']) => path,
      );
      for (const path of paths) await copyFile(path, join(folder, 'lib', basename(path)));
      await linkOrCopy(process.execPath, join(folder, 'node'));
      for (const file of SOURCES) await copyFile(join(import.meta.dirname, file), join(folder, file));
      const loader = paths.map((path) => basename(path)).find((name) => name.startsWith('ld-'));
      if (loader === undefined) throw new Error(`${process.execPath} names no loader`);
      return new ServerFiles(folder, loader);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(folder: string, loader: string) {
    this.#folder = folder;
    this.#loader = loader;
  }

  /** The part of a container's spec that makes it a server of this version. */
  spec(version: string): ServerSpec {
    return {
      image: 'busybox:latest',
      command: [`${INSIDE}/lib/${this.#loader}`],
      args: ['--library-path', `${INSIDE}/lib`, `${INSIDE}/node`, `${INSIDE}/server.ts`],
      env: [{ name: 'OVR_VERSION', value: version }],
      volumes: [`${this.#folder}:${INSIDE}:ro`],
      stopSignal: 'SIGTERM',
    };
  }

  /** The same for `docker run` or `docker create`: options, then image and command. */
  dockerArgs(version: string): { readonly options: string[]; readonly command: string[] } {
    const { image, command, args, env, volumes, stopSignal } = this.spec(version);
    const options = [
      ...env.flatMap(({ name, value }) => ['--env', `${name}=${value}`]),
      ...volumes.flatMap((volume) => ['--volume', volume]),
      ...['--stop-signal', stopSignal, '--entrypoint', command[0]!],
    ];
    return { options, command: [image, ...args] };
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Node is large, so it is not copied where a link does. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to));
}
