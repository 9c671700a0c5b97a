import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { LabHost } from '../lab/lab.ts';

const PROGRAM = join(import.meta.dirname, 'name-watch.ts');
const PATIENCE_MS = 60_000;

/** Sees from inside a container where a name leads. */
export class NameWatcher {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;

  static async open(at: { host: LabHost; container: string; name: string }): Promise<NameWatcher> {
    const pid = await at.host.containerPid(at.container);
    if (pid === undefined) throw new Error(`container ${at.container} does not run on ${at.host.name}`);
    return new NameWatcher(pid, at.name);
  }

  private constructor(pid: number, name: string) {
    const args = [`--net=/proc/${pid}/ns/net`, process.execPath, PROGRAM, name];
    this.#child = spawn('nsenter', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdin.on('error', () => undefined); // it has ended, and no answer comes
    this.#lines = createInterface({ input: this.#child.stdout });
  }

  /** When the name leads to this address and to no other; as `performance.now()`. */
  leadsTo(address: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new Error(`the name did not lead to ${address}`));
      const timer = setTimeout(fail, PATIENCE_MS);
      this.#lines.once('close', fail);
      this.#lines.once('line', () => {
        const atMs = performance.now();
        clearTimeout(timer);
        this.#lines.off('close', fail);
        resolve(atMs);
      });
      this.#child.stdin.write(`${address}\n`);
    });
  }

  close(): void {
    this.#lines.close();
    this.#child.kill('SIGKILL');
  }
}
