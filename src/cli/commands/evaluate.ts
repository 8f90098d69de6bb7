/** `lockstep evaluate CHECKPOINT`: how good a checkpoint is on the test set, and what it gets wrong. */

import type { Command } from 'commander';
import { cacheFolder } from '../../engine/index.js';
import { LockstepError } from '../../foundation/errors.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import { evaluateCheckpoint, EVALUATION_SETTINGS, jsonSetting, nonEmpty } from '../../session/index.js';
import { chooseDisplay } from '../display/chooseDisplay.js';
import { evaluationLines } from '../display/evaluation.js';
import { EvaluationProgress } from '../display/evaluationProgress.js';
import { sentenceInFlags } from '../options/inFlags.js';
import { declareEngineOptions } from '../options/engineOptions.js';
import type { EngineOptions } from '../options/engineOptions.js';
import { DATA_DIR_VARIABLE, dataDirOfEnvironment } from '../options/dataDir.js';
import { entriesOf } from '../options/optionTable.js';
import { declareOptions } from '../options/trainingOptions.js';
import { listenForStop } from '../process/stopSignal.js';
import { print, printError, printJson } from '../process/terminal.js';

const OPTIONS = { ...EVALUATION_SETTINGS, json: jsonSetting('print one JSON object') };

type RawOptions = EngineOptions & ValuesOf<typeof OPTIONS>;

export function addEvaluateCommand(program: Command): void {
  const command = program
    .command('evaluate')
    .description('evaluate a checkpoint on the test set of the data it was trained on')
    .argument(
      '<checkpoint>',
      'a .safetensors file of a run, or the run folder (then: its best weights, else its last)',
      nonEmpty('CHECKPOINT', 'runs/first'),
    );
  declareOptions(command, entriesOf(OPTIONS));
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
  const display = chooseDisplay({ json: options.json });
  const stop = listenForStop(() => undefined);
  const { stdout } = process;
  const progress = stdout.isTTY && !options.json ? new EvaluationProgress(stdout) : undefined;
  try {
    const outcome = await evaluateCheckpoint({
      ...options,
      checkpoint,
      isWorkersGiven: isGiven('workers'),
      dataDir: isGiven('dataDir') ? options.dataDir : dataDirOfEnvironment(),
      dataDirSource: isGiven('dataDir') ? undefined : DATA_DIR_VARIABLE,
      cacheFolder: cacheFolder(),
      signal: stop.signal,
      onDecoding: (decoding) => display.decoding(decoding),
      onProgress: (done, total) => progress?.show(done, total),
      onNotice: (message) => {
        progress?.clear();
        printError(`lockstep: ${sentenceInFlags(message)}`);
      },
    }).finally(() => progress?.clear());
    if (options.json) printJson(outcome);
    else evaluationLines(outcome, stdout.columns).forEach(print);
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'E_STOPPED') throw error;
    process.exitCode = stop.exitCode() ?? 1;
  } finally {
    display.close();
    stop.dispose();
  }
}
