/** Those who wait until nothing more can be done. */
export class Settled {
  #waiting: ((isConverged: boolean) => void)[] = [];

  /** Resolves with the next call of `tell`. */
  wait(): Promise<boolean> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  tell(isConverged: boolean): void {
    for (const resolve of this.#waiting.splice(0)) resolve(isConverged);
  }
}
