/** Images/s of real `lockstep train` runs, one JSON line each. A run that fails prints why, and the next one follows. */

import { Command, InvalidArgumentError } from 'commander';
import { LockstepProcess } from './lockstepProcess.js';
import { modelName, positive } from './optionValues.js';
import { measureRun } from './timedRun.js';
import type { RunShape } from './timedRun.js';

interface Case extends RunShape {
  readonly workers: number;
}

interface Options {
  readonly engine: string;
  readonly cases: readonly Case[];
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly tune: boolean;
}

const { engine, cases, seconds, warmUpSeconds, tune } = new Command('trainingRates.js')
  .description('train for some seconds for each case; on CIFAR-10 if LOCKSTEP_DATA_DIR names its folder')
  .requiredOption('--engine <name>', 'engine of all cases')
  .requiredOption('--cases <list>', 'list of model:workers:batch:micro-batch, separated by commas', casesOf)
  .option('--seconds <n>', 'length of a run from its first step', Number, 10)
  .option('--warm-up-seconds <n>', 'seconds at its start that do not count', Number, 2)
  .option('--tune', 'tune a new GPU before the first step', false)
  .parse()
  .opts<Options>();

for (const one of cases) {
  const { model, workers, batchSize, microBatch } = one;
  const measured = await measureRun(one, { seconds, warmUpSeconds }, (options) => {
    const tuning = tune ? [] : ['--no-tune'];
    const own = ['--engine', engine, '--workers', String(workers), ...tuning];
    return new LockstepProcess(['train', ...own, ...options]);
  }).catch((error: unknown) => {
    process.exitCode = 1;
    return { error: error instanceof Error ? error.message : String(error) };
  });
  process.stdout.write(
    `${JSON.stringify({ engine, tune, model, workers, batchSize, microBatch, ...measured })}\n`,
  );
}

function casesOf(text: string): Case[] {
  return text.split(',').map((item) => {
    const [model, workers, batchSize, microBatch, ...more] = item.split(':');
    if (microBatch === undefined || more.length > 0) {
      throw new InvalidArgumentError(`${item} is not model:workers:batch:micro-batch.`);
    }
    return {
      model: modelName(model!),
      workers: positive(workers!),
      batchSize: positive(batchSize!),
      microBatch: positive(microBatch),
    };
  });
}
