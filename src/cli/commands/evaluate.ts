/** `lockstep evaluate CHECKPOINT`: how good a checkpoint is on the test set. Nothing may be chosen by what it tells. */

import type { Command } from 'commander';
import { broadcastOf, evaluate, Fleet, welcomeFor } from '../../coordinator/index.js';
import { loadCifar10Test, syntheticTestSet } from '../../data/index.js';
import { chooseEngine } from '../../engine/index.js';
import { LockstepError } from '../../foundation/errors.js';
import { digestState } from '../../model/index.js';
import { startLocalNode } from '../../worker/index.js';
import { defaultDataDir } from '../options/dataDir.js';
import { percent } from '../display/text.js';
import { declareEngineOptions, threadsFor, threadsOption, withTuning } from '../options/engineOptions.js';
import type { EngineOptions } from '../options/engineOptions.js';
import { readForEvaluation } from '../../session/index.js';
import { listenForStop } from '../process/stopSignal.js';
import { valueParser } from '../../session/index.js';
import { print, printError, printJson } from '../process/terminal.js';

interface RawOptions extends EngineOptions {
  readonly dataDir: string;
  readonly workers: number;
  readonly evalStatistics?: 'running' | 'batch';
  readonly json: boolean;
}

const WAIT_TIMEOUT_MS = 30_000;

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
    evaluateCheckpoint(file, command.opts<RawOptions>(), command.getOptionValueSource('workers') === 'cli'),
  );
}

async function evaluateCheckpoint(
  given: string,
  options: RawOptions,
  isWorkersGiven: boolean,
): Promise<void> {
  const found = await readForEvaluation(given);
  const { file, epoch, state } = found;
  const { recipe, normalisation, model } = found.checkpoint;
  if (found.damage !== undefined) printError(`lockstep: ${found.damage}; ${file} is evaluated instead`);
  const set = recipe.dataset === 'cifar10' ? await loadCifar10Test(options.dataDir) : syntheticTestSet();
  const fleet = new Fleet({
    welcome: welcomeFor({
      runName: 'evaluation',
      model,
      normalisation,
      recipe: { ...recipe, evalStatistics: options.evalStatistics ?? recipe.evalStatistics },
    }),
    onEvent: () => undefined,
    waitTimeoutMs: WAIT_TIMEOUT_MS,
  });
  const stop = listenForStop(() => undefined);
  const { engine, numerics, device, precision } = options;
  const chosen = await chooseEngine(engine, numerics, device, precision);
  const { notice, ...choice } = withTuning(chosen, options.tune);
  if (notice !== undefined) printError(`lockstep: ${notice}`);
  const node = await startLocalNode(choice, threadsFor(choice, options.workers, isWorkersGiven));
  try {
    fleet.admit(node.channel, { local: true });
    const indices = Uint32Array.from({ length: set.sampleCount }, (_, index) => index);
    const score = await evaluate(fleet, {
      set,
      indices,
      state: broadcastOf(state, 0),
      signal: stop.signal,
      divergence: () => notFinite(file),
    });
    const outcome = {
      checkpoint: file,
      dataset: recipe.dataset,
      model: recipe.model,
      epoch,
      weightsSha256: digestState(state),
      testLoss: score.loss,
      testAccuracy: score.accuracy,
      testSamples: score.samples,
    };
    if (options.json) printJson(outcome);
    else print(textOf(outcome));
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    process.exitCode = stop.exitCode() ?? 1;
  } finally {
    fleet.end('the evaluation has ended', { runEnded: true });
    await node.close();
    stop.dispose();
  }
}

function notFinite(file: string): LockstepError {
  return new LockstepError(
    'E_DIVERGED',
    `the loss of ${file} on the test set is not finite: its training had diverged; evaluate an earlier checkpoint`,
  );
}

interface Outcome {
  readonly checkpoint: string;
  readonly dataset: string;
  readonly model: string;
  readonly epoch: number;
  readonly weightsSha256: string;
  readonly testLoss: number;
  readonly testAccuracy: number;
  readonly testSamples: number;
}

function textOf(outcome: Outcome): string {
  const { model, epoch, checkpoint, dataset, testSamples, testAccuracy, testLoss, weightsSha256 } = outcome;
  return (
    `${model} after epoch ${epoch} (${checkpoint}, sha256 ${weightsSha256})\n` +
    `${dataset} test set, ${testSamples} images: accuracy ${percent(testAccuracy)}, loss ${testLoss.toFixed(4)}`
  );
}
