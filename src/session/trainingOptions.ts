/** What a run is asked to do: its recipe, its network, and the settings beside them. */

import type { RequestedRecipe } from '../coordinator/index.js';
import type { ValuesOf } from '../foundation/options/definition.js';
import type { NetworkSource } from './requestNetwork.js';
import type { ENGINE_SETTINGS, RunSettings } from './options/settings.js';

/** What computes, and how. */
export type EngineSettings = ValuesOf<typeof ENGINE_SETTINGS>;

export interface TrainingOptions extends RunSettings {
  readonly recipe: RequestedRecipe;
  /** What the recipe's `model` stands for. */
  readonly network: NetworkSource;
  readonly workers: number;
  /** Keys that were given, on the command line, in a config file or by a program. */
  readonly given: ReadonlySet<string>;
  /** Keys that the environment says, by the name of the variable: what this machine has, whatever a run remembers. */
  readonly environment?: ReadonlyMap<string, string> | undefined;
}

/**
 * Keys that are given now, so their values in an earlier session do not count.
 * @param dataset of the run that is resumed, if one is
 */
export function keysOf({ given, environment }: TrainingOptions, dataset?: string): ReadonlySet<string> {
  const keys = new Set([...given, ...(environment?.keys() ?? [])]);
  // The environment says where this machine has CIFAR; a run on one's own images knows better where they are.
  if ((dataset === 'folder' || dataset === 'idx') && !given.has('dataDir')) keys.delete('dataDir');
  return keys;
}
