/** What a run's config.json says: every option as it was resolved, and what it ran on. */

import path from 'node:path';
import type { EngineDescription, EngineName } from '../engine/index.js';
import { isPresetName } from '../model/index.js';
import type { Model, NetworkDescription } from '../model/index.js';
import { LOCKSTEP_VERSION } from '../protocol/index.js';
import { withRemembered } from './options/remembered.js';
import { RUN_SETTINGS } from './options/settings.js';
import type { RunSettings } from './options/settings.js';
import type { PreparedData } from './prepareData.js';
import { keysOf } from './trainingOptions.js';
import type { SessionOptions, Settings } from './sessionOptions.js';

interface Engines {
  /** What the threads of this process compute with; undefined if there are none. */
  readonly local: EngineDescription | undefined;
  /** What the nodes compute with that this process starts; undefined if it starts none. */
  readonly remoteEngine: EngineName | undefined;
}

export function runConfig(
  { training, coordinatorSettings }: SessionOptions,
  { recipe, model }: Pick<PreparedData, 'recipe' | 'model'>,
  settings: Settings,
  { local, remoteEngine }: Engines,
): Readonly<Record<string, unknown>> {
  return {
    ...recipe,
    ...settings,
    dataDir: path.resolve(settings.dataDir),
    engine: remoteEngine ?? local?.name ?? settings.engine,
    ...coordinatorSettings,
    workers: training.workers,
    versions: {
      lockstep: LOCKSTEP_VERSION,
      node: process.versions.node,
      v8: process.versions.v8,
      ...(local ? { ...local.versions, numericsClass: local.numericsClass } : {}),
    },
    host: { platform: process.platform, arch: process.arch, device: local?.device ?? null },
    ...ownNetwork(model),
  };
}

/** A network that no name makes. */
export function ownNetwork({ name, description }: Model): { readonly network?: NetworkDescription } {
  return isPresetName(name) ? {} : { network: description };
}

/** Each setting as given now, else as in the previous session, else the default. */
export function resolveSettings(
  { training, test }: SessionOptions,
  saved: Partial<Settings> | undefined,
  dataset?: string,
): Settings {
  const settings = withRemembered<RunSettings>(RUN_SETTINGS, training, {
    saved: saved ?? {},
    given: keysOf(training, dataset),
  });
  return { ...settings, test: test || (saved?.test ?? false) };
}
