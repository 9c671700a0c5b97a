/** What ovrd makes of a command line, an environment and files that a test names. */
import { loadConfig, type Config, type Loaded } from '../../pkg/config/index.ts';

/** Everything that a configuration is made from. */
export interface World {
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
}

/** Reads these files; one whose text is `EACCES` is closed, any other is not there. */
export function readFrom(files: Readonly<Record<string, string>>): (path: string) => Promise<string> {
  return (path) => {
    const text = files[path];
    if (text === undefined) return Promise.reject(Object.assign(new Error('missing'), { code: 'ENOENT' }));
    if (text === 'EACCES') return Promise.reject(Object.assign(new Error('closed'), { code: 'EACCES' }));
    return Promise.resolve(text);
  };
}

export function load({ argv = [], env = {}, files = {} }: World): Promise<Loaded<Config>> {
  return loadConfig({ argv, env, readFile: readFrom(files) });
}

/** The configuration, which must be right. */
export async function config(world: World): Promise<Config> {
  const loaded = await load(world);
  if (loaded.ok) return loaded.config;
  throw new Error(JSON.stringify(loaded));
}

/** What is wrong with it. */
export async function problems(world: World): Promise<readonly string[]> {
  const loaded = await load(world);
  return 'problems' in loaded ? loaded.problems : [];
}
