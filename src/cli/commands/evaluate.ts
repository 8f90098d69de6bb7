/** `lockstep evaluate CHECKPOINT`: how good a checkpoint is on the test set, and what it gets wrong. */

import type { Command } from 'commander';
import { RECIPE_OPTIONS } from '../../coordinator/index.js';
import { cacheFolder } from '../../engine/index.js';
import { LockstepError } from '../../foundation/errors.js';
import { flag, text, variant } from '../../foundation/options/definition.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import {
  dataDirSetting,
  evaluateCheckpoint,
  jsonSetting,
  nonEmpty,
  threadsSetting,
} from '../../session/index.js';
import { evaluationLines } from '../display/evaluation.js';
import { declareEngineOptions } from '../options/engineOptions.js';
import type { EngineOptions } from '../options/engineOptions.js';
import { DATA_DIR_VARIABLE, dataDirOfEnvironment } from '../options/dataDir.js';
import { entriesOf } from '../options/optionTable.js';
import { declareOptions } from '../options/trainingOptions.js';
import { listenForStop } from '../process/stopSignal.js';
import { print, printError, printJson } from '../process/terminal.js';

const EVALUATE_SETTINGS = {
  dataDir: { ...dataDirSetting('folder that holds CIFAR-10'), defaultText: 'that of the run, else data' },
  workers: threadsSetting('worker threads'),
  evalStatistics: variant(RECIPE_OPTIONS.evalStatistics, {
    default: undefined,
    help: 'batch normalisation by running or batch statistics (default: as trained)',
  }),
  tta: variant(RECIPE_OPTIONS.tta, {
    default: undefined,
    help: 'average several views of each image: none, flip or full (default: as trained)',
  }),
  save: flag({
    group: 'Run',
    default: true,
    help: 'do not keep the evaluation in the run folder, where ui and report find it',
  }),
  saveImages: text<string | undefined>({
    group: 'Run',
    placeholder: 'dir',
    default: undefined,
    help: 'new or empty folder that gets the images of the highest loss as PNG',
    example: 'worst',
    isPath: true,
  }),
  json: jsonSetting('print one JSON object'),
};

type RawOptions = EngineOptions & ValuesOf<typeof EVALUATE_SETTINGS>;

export function addEvaluateCommand(program: Command): void {
  const command = program
    .command('evaluate')
    .description('evaluate a checkpoint on the test set of the data it was trained on')
    .argument(
      '<checkpoint>',
      'a .safetensors file of a run, or the run folder (then: its best weights, else its last)',
      nonEmpty('CHECKPOINT', 'runs/first'),
    );
  declareOptions(command, entriesOf(EVALUATE_SETTINGS));
  declareEngineOptions(command);
  command.action((file: string) => {
    const isGiven = (key: string): boolean => command.getOptionValueSource(key) === 'cli';
    return evaluateInTerminal(file, command.opts<RawOptions>(), isGiven);
  });
}

async function evaluateInTerminal(
  checkpoint: string,
  options: RawOptions,
  isGiven: (key: string) => boolean,
): Promise<void> {
  const stop = listenForStop(() => undefined);
  try {
    const outcome = await evaluateCheckpoint({
      ...options,
      checkpoint,
      isWorkersGiven: isGiven('workers'),
      dataDir: isGiven('dataDir') ? options.dataDir : dataDirOfEnvironment(),
      dataDirSource: isGiven('dataDir') ? undefined : DATA_DIR_VARIABLE,
      cacheFolder: cacheFolder(),
      signal: stop.signal,
      onNotice: (message) => printError(`lockstep: ${message}`),
    });
    if (options.json) printJson(outcome);
    else evaluationLines(outcome, process.stdout.columns).forEach(print);
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'E_STOPPED') throw error;
    process.exitCode = stop.exitCode() ?? 1;
  } finally {
    stop.dispose();
  }
}
