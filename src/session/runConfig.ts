/** What a run's config.json says: every option as it was resolved, and what it ran on. */

import path from 'node:path';
import type { Recipe } from '../coordinator/index.js';
import type { EngineDescription, EngineName } from '../engine/index.js';
import { LOCKSTEP_VERSION } from '../protocol/index.js';
import type { SessionOptions, Settings } from './sessionOptions.js';
import type { TrainingOptions } from './trainingOptions.js';

interface Engines {
  /** What the threads of this process compute with; undefined if there are none. */
  readonly local: EngineDescription | undefined;
  /** What the nodes compute with that this process starts; undefined if it starts none. */
  readonly remoteEngine: EngineName | undefined;
}

export function runConfig(
  { training, coordinatorSettings }: SessionOptions,
  recipe: Recipe,
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
  };
}

/** Each setting as given now, else as in the sitting before, else the default. */
export function resolveSettings(
  { training, test }: SessionOptions,
  saved: Partial<Settings> | undefined,
): Settings {
  const given = <Key extends keyof TrainingOptions & keyof Settings>(key: Key): TrainingOptions[Key] =>
    training.given.has(key)
      ? training[key]
      : ((saved?.[key] as TrainingOptions[Key] | undefined) ?? training[key]);
  return {
    dataDir: given('dataDir'),
    engine: given('engine'),
    // Numerics, device and precision belong to an engine: one given anew does not inherit them.
    numerics: training.given.has('engine') ? training.numerics : given('numerics'),
    device: training.given.has('engine') ? training.device : given('device'),
    tune: given('tune'),
    precision: training.given.has('engine') ? training.precision : given('precision'),
    checkpointEvery: given('checkpointEvery'),
    test: test || (saved?.test ?? false),
  };
}
