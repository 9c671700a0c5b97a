/**
 * Measures how long this thread computes without letting the event loop turn, in its own CPU time: what else the machine does, and what other
 * threads do, does not count. So a bound on it holds on a busy machine too. The shortest break it sees is one tick of a timer.
 */
export class LoopMeter {
  #longestMs = 0;
  #lastMs = 0;
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    this.#longestMs = 0;
    this.#lastMs = cpuMs();
    this.#timer = setInterval(() => this.#tick(), 1);
  }

  /** The longest stretch since the start, milliseconds. */
  stop(): number {
    clearInterval(this.#timer);
    this.#tick();
    return this.#longestMs;
  }

  #tick(): void {
    const nowMs = cpuMs();
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
