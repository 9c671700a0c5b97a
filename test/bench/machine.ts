import { execFile } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { readVersion } from '../../pkg/config/index.ts';
import type { Stage } from './stage.ts';

/** What the figures depend on. */
export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryBytes: number;
  readonly kernel: string;
  /** Of the last minute, before anything was measured: above 1, something else was running. */
  readonly load: number;
  readonly node: string;
  readonly ovr: string;
  readonly commit: string;
}

export async function describeMachine(): Promise<Machine> {
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? '',
    memoryBytes: totalmem(),
    kernel: release(),
    load: loadavg()[0] ?? NaN,
    node: process.version,
    ovr: readVersion(),
    commit: await commit(),
  };
}

/** Versions of the engine's side. */
export async function describeStage(stage: Stage): Promise<Record<string, string>> {
  const { Version, ApiVersion } = await stage.api.version();
  return { docker: Version, api: ApiVersion, compose: await stage.host.compose(['version', '--short']) };
}

async function commit(): Promise<string> {
  const git = promisify(execFile);
  try {
    const { stdout } = await git('git', ['describe', '--always', '--dirty'], { cwd: import.meta.dirname });
    return stdout.trim();
  } catch {
    return '';
  }
}
