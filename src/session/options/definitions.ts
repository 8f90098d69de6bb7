/** The options of a run by key, for what reads config.json or a program's options. */

import { RECIPE_OPTIONS } from '../../coordinator/index.js';
import type { OptionDefinition } from '../../foundation/options/definition.js';
import {
  COORDINATOR_WORKERS,
  DOOR_SETTINGS,
  GPUS_SETTINGS,
  RUN_SETTINGS,
  SESSION_SETTINGS,
  TRAIN_WORKERS,
} from './settings.js';

/** Of an option that two commands bound differently, the wider one. */
export const RUN_DEFINITIONS: ReadonlyMap<string, OptionDefinition> = new Map(
  Object.entries({
    ...RECIPE_OPTIONS,
    ...RUN_SETTINGS,
    ...TRAIN_WORKERS,
    ...GPUS_SETTINGS,
    ...SESSION_SETTINGS,
    ...COORDINATOR_WORKERS,
    ...DOOR_SETTINGS,
  }),
);
