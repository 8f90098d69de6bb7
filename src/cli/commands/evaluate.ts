/** `lockstep evaluate CHECKPOINT`: how good a checkpoint is on the test set. Nothing may be chosen by what it tells. */

import type { Command } from 'commander';
import { LockstepError } from '../../foundation/errors.js';
import { evaluateCheckpoint, valueParser } from '../../session/index.js';
import type { EvaluationOutcome } from '../../session/index.js';
import { percent } from '../display/text.js';
import { defaultDataDir } from '../options/dataDir.js';
import { declareEngineOptions, threadsOption } from '../options/engineOptions.js';
import type { EngineOptions } from '../options/engineOptions.js';
import { cacheFolder } from '../process/cacheFolder.js';
import { listenForStop } from '../process/stopSignal.js';
import { print, printError, printJson } from '../process/terminal.js';

interface RawOptions extends EngineOptions {
  readonly dataDir: string;
  readonly workers: number;
  readonly evalStatistics?: 'running' | 'batch';
  readonly json: boolean;
}

export function addEvaluateCommand(program: Command): void {
  const command = program
    .command('evaluate')
    .description('evaluate a checkpoint on the test set of the data it was trained on')
    .argument(
      '<checkpoint>',
      'a .safetensors file of a run, or the run folder (then: its best weights, else its last)',
    )
    .option('--data-dir <dir>', 'folder that holds CIFAR-10', defaultDataDir())
    .addOption(threadsOption('--workers', 'worker threads'))
    .option(
      '--eval-statistics <which>',
      'batch normalisation by running or batch statistics (default: as trained)',
      valueParser('--eval-statistics', { kind: 'choice', of: ['running', 'batch'] }, 'running'),
    )
    .option('--json', 'print one JSON object', false);
  declareEngineOptions(command);
  command.action((file: string) =>
    evaluateInTerminal(file, command.opts<RawOptions>(), command.getOptionValueSource('workers') === 'cli'),
  );
}

async function evaluateInTerminal(
  checkpoint: string,
  options: RawOptions,
  isWorkersGiven: boolean,
): Promise<void> {
  const stop = listenForStop(() => undefined);
  try {
    const outcome = await evaluateCheckpoint({
      ...options,
      checkpoint,
      isWorkersGiven,
      cacheFolder: cacheFolder(),
      signal: stop.signal,
      onNotice: (message) => printError(`lockstep: ${message}`),
    });
    if (options.json) printJson(outcome);
    else print(textOf(outcome));
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'E_STOPPED') throw error;
    process.exitCode = stop.exitCode() ?? 1;
  } finally {
    stop.dispose();
  }
}

function textOf(outcome: EvaluationOutcome): string {
  const { model, epoch, checkpoint, dataset, testSamples, testAccuracy, testLoss, weightsSha256 } = outcome;
  return (
    `${model} after epoch ${epoch} (${checkpoint}, sha256 ${weightsSha256})\n` +
    `${dataset} test set, ${testSamples} images: accuracy ${percent(testAccuracy)}, loss ${testLoss.toFixed(4)}`
  );
}
