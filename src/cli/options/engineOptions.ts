/** The options of commands that compute but do not train. */

import type { Command } from 'commander';
import type { EngineSettings } from '../../session/index.js';
import { ENGINE_OPTIONS } from './optionTable.js';
import { declareOptions } from './trainingOptions.js';

export type EngineOptions = EngineSettings;

export function declareEngineOptions(command: Command): void {
  declareOptions(command, ENGINE_OPTIONS);
}
