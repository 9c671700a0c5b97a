import { clusterConfig } from './cluster.ts';
import { dockerAddress } from './docker.ts';
import { helpText, parseFlags, type FlagTexts } from './flags.ts';
import { gitConfig } from './git.ts';
import { openSettings, type SettingsReader, type Surroundings } from './resolve.ts';
import type { ClientConfig, Config, EngineConfig, VariablesConfig } from './settings.ts';
import { readVersion } from './version.ts';

/** A configuration, all mistakes at once, or a text that was asked for. */
export type Loaded<C> =
  | { readonly ok: true; readonly config: C }
  | { readonly ok: false; readonly problems: readonly string[] }
  | { readonly ok: false; readonly text: string };

/** The configuration of ovrd. `argv` is without program and script. Each problem is one line that names place, value and mend. */
export async function loadConfig(
  inputs: Surroundings & { readonly argv: readonly string[] },
): Promise<Loaded<Config>> {
  const flags = parseFlags(inputs.argv);
  if (flags.wantsHelp) return { ok: false, text: helpText() };
  if (flags.wantsVersion) return { ok: false, text: `ovrd ${readVersion()}\n` };
  const settings = await openSettings({ ...inputs, program: 'ovrd', flags: flags.texts });
  const { readFile } = inputs;
  const listen = settings.value('listen');
  const engine = await engineConfig(settings, inputs);
  const config: Config = {
    ...engine,
    ...(await sources(settings, readFile)),
    variables: variablesOf(settings),
    ...(await clusterConfig({ settings, readFile, docker: engine.docker })),
    ...(listen && { listen }),
    socket: settings.value('socket'),
    stateDir: settings.value('stateDir'),
    mode: settings.value('mode'),
    resyncMs: settings.value('resyncMs'),
    probeIntervalMs: settings.value('probeIntervalMs'),
    probeHeal: settings.value('probeHeal'),
    once: settings.value('once'),
    logFormat: settings.value('logFormat'),
    logLevel: settings.value('logLevel'),
  };
  return settled(config, [...flags.problems, ...settings.problems]);
}

/** The configuration of ovr, whose flags its own command line has read already. */
export async function loadClientConfig(
  inputs: Surroundings & { readonly flags: FlagTexts },
): Promise<Loaded<ClientConfig>> {
  const settings = await openSettings({ ...inputs, program: 'ovr' });
  const server = settings.value('server');
  const config: ClientConfig = {
    ...(await engineConfig(settings, inputs)),
    socket: settings.value('socket'),
    ...(server !== undefined && { server }),
  };
  return settled(config, settings.problems);
}

/** The variables of manifests for ovr; mistakes in the rest of the configuration do not matter for them. */
export async function loadVariables(
  inputs: Surroundings & { readonly flags: FlagTexts },
): Promise<Loaded<VariablesConfig>> {
  const settings = await openSettings({ ...inputs, program: 'ovr' });
  const others = settings.problems.length;
  const variables = variablesOf(settings);
  return settled(variables, settings.problems.slice(others));
}

function variablesOf(settings: SettingsReader): VariablesConfig {
  return {
    values: Object.fromEntries(settings.value('variables')),
    files: settings.value('variableFiles'),
  };
}

/** Folders that somebody gave, a repository that somebody gave, or else the usual folder. */
async function sources(
  settings: SettingsReader,
  readFile: Surroundings['readFile'],
): Promise<Pick<Config, 'manifests' | 'git' | 'recursive'>> {
  const git = await gitConfig({ settings, readFile });
  const isUsual = git === undefined || settings.isGiven('manifests');
  return {
    manifests: isUsual ? settings.value('manifests') : [],
    ...(git && { git }),
    recursive: settings.value('recursive'),
  };
}

async function engineConfig(settings: SettingsReader, surroundings: Surroundings): Promise<EngineConfig> {
  const nodeName = settings.value('nodeName');
  const sopsAgeKeyFile = settings.value('sopsAgeKeyFile');
  return {
    ...(sopsAgeKeyFile !== undefined && { sopsAgeKeyFile }),
    docker: await dockerAddress(settings, surroundings),
    engine: settings.value('engine'),
    cluster: settings.value('cluster'),
    ...(nodeName !== undefined && { nodeName }),
    nodeLabels: Object.fromEntries(settings.value('nodeLabels')),
    subnetPool: settings.value('subnetPool'),
    concurrency: settings.value('concurrency'),
  };
}

function settled<C extends object>(config: C, problems: readonly string[]): Loaded<C> {
  return problems.length > 0 ? { ok: false, problems } : { ok: true, config: deepFreeze(config) };
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value) as unknown[]) {
    if (typeof part === 'object' && part !== null) deepFreeze(part);
  }
  return Object.freeze(value);
}
