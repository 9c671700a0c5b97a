import { parentPort } from 'node:worker_threads';
import { Simulation } from './simulation.ts';

/** Runs the seeds that it is sent, one at a time; undefined ends it. */
parentPort?.on('message', (seed: number | undefined) => {
  if (seed === undefined) {
    parentPort?.close();
    return;
  }
  void new Simulation({ seed }).run().then((result) => parentPort?.postMessage(result));
});
