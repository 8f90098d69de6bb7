/**
 * `npm run bench:wire-accuracy`: the accuracy of short trainings by `--wire`, on CIFAR-10, beside what the seed alone does. A
 * run that was interrupted goes on where it was, and one that is done is not repeated: start it again, until its table is whole.
 */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { WIRE_FORMATS } from '../../src/foundation/wire/format.js';
import type { WireFormat } from '../../src/foundation/wire/format.js';
import { LockstepProcess } from '../lockstepProcess.js';
import { listOf, modelName, positive } from '../optionValues.js';
import { renderTable } from '../table.js';

interface Options {
  readonly dataDir: string;
  readonly out: string;
  readonly model: string;
  readonly workers: number;
  readonly seeds: number;
  readonly epochs: number;
  readonly longEpochs: number;
  readonly lr: string;
  readonly trainLimit?: number;
  readonly formats: readonly string[];
}

const options = new Command('npm run bench:wire-accuracy --')
  .description('accuracy by the form of the gradients')
  .requiredOption('--data-dir <dir>', 'folder that holds CIFAR-10')
  .requiredOption('--out <dir>', 'folder for the runs, the same when the script is started again')
  .option('--model <name>', 'network', modelName, 'resnet20')
  .option('--workers <n>', 'threads', positive, 2)
  .option('--seeds <n>', 'short runs of each form', positive, 3)
  .option('--epochs <n>', 'of a short run', positive, 3)
  .option('--long-epochs <n>', 'of one long run of each form', positive, 10)
  .option('--lr <rate>', 'highest rate of the one-cycle schedule', '0.1')
  .option('--train-limit <n>', 'training images', positive)
  .option('--formats <names>', 'forms', listOf(String), [...WIRE_FORMATS])
  .parse()
  .opts<Options>();

interface Run {
  readonly wire: WireFormat;
  readonly seed: number;
  readonly epochs: number;
}

interface Outcome {
  readonly validation: number;
  readonly test: number | undefined;
}

const runDirOf = ({ wire, seed, epochs }: Run): string =>
  path.resolve(options.out, `${wire}-seed${seed}-epochs${epochs}`);

/** One form after the other, so that what is done when it is interrupted can be compared. */
const formats = WIRE_FORMATS.filter((wire) => options.formats.includes(wire));
const SHORT: readonly Run[] = Array.from({ length: options.seeds }, (_, index) => index + 1).flatMap((seed) =>
  formats.map((wire) => ({ wire, seed, epochs: options.epochs })),
);
const LONG: readonly Run[] = formats.map((wire) => ({ wire, seed: 1, epochs: options.longEpochs }));

async function outcomeOf(run: Run): Promise<Outcome> {
  const runDir = runDirOf(run);
  const before = readOutcome(runDir, run);
  if (before) return before;
  const lockstep = new LockstepProcess(['train', '--json', ...flagsOf(run, runDir)]);
  const failure = await lockstep.ended;
  if (failure !== undefined) throw new Error(`${runDir}: ${failure}`);
  const after = readOutcome(runDir, run);
  if (!after) throw new Error(`${runDir} was stopped; start the script again to go on`);
  return after;
}

function flagsOf({ wire, seed, epochs }: Run, runDir: string): readonly string[] {
  if (existsSync(path.join(runDir, 'checkpoints'))) {
    return ['--resume', runDir, '--workers', String(options.workers), '--test'];
  }
  return [
    ...['--dataset', 'cifar10', '--data-dir', options.dataDir, '--model', options.model],
    ...['--epochs', String(epochs), '--schedule', 'onecycle', '--lr', options.lr, '--patience', '0'],
    ...['--seed', String(seed), '--wire', wire, '--workers', String(options.workers), '--test'],
    ...(options.trainLimit === undefined ? [] : ['--train-limit', String(options.trainLimit)]),
    ...['--run-dir', runDir],
  ];
}

/** Undefined unless the run has come to its end. */
function readOutcome(runDir: string, { epochs }: Run): Outcome | undefined {
  const read = (name: string): string => readFileSync(path.join(runDir, name), 'utf8');
  if (!existsSync(path.join(runDir, 'result.json'))) return undefined;
  const { stoppedBy, testAccuracy } = JSON.parse(read('result.json')) as {
    readonly stoppedBy: string;
    readonly testAccuracy?: number;
  };
  if (stoppedBy !== 'epochs') return undefined;
  const last = read('metrics.jsonl')
    .split('\n')
    .filter((line) => line.includes('"event":"epoch"'))
    .map((line) => JSON.parse(line) as { readonly epoch: number; readonly validationAccuracy: number })
    .findLast(({ epoch }) => epoch === epochs);
  const test = testAccuracy === undefined ? undefined : 100 * testAccuracy;
  return last && { validation: 100 * last.validationAccuracy, test };
}

const outcomes = new Map<Run, Outcome>();
for (const run of [...SHORT, ...LONG]) {
  const outcome = await outcomeOf(run);
  outcomes.set(run, outcome);
  process.stderr.write(`${path.basename(runDirOf(run))}: ${outcome.validation.toFixed(2)} %\n`);
}

function rowOf(wire: WireFormat): string[] {
  const short = SHORT.filter((run) => run.wire === wire).map((run) => outcomes.get(run)!);
  const long = outcomes.get(LONG.find((run) => run.wire === wire)!)!;
  const validations = short.map(({ validation }) => validation);
  const mean = validations.reduce((sum, value) => sum + value, 0) / validations.length;
  return [
    wire,
    validations.map((value) => value.toFixed(2)).join(', '),
    mean.toFixed(2),
    (Math.max(...validations) - Math.min(...validations)).toFixed(2),
    long.validation.toFixed(2),
    long.test?.toFixed(2) ?? '',
  ];
}

const HEAD = [
  '--wire',
  `${options.epochs} epochs, seeds 1 to ${options.seeds}, %`,
  'mean',
  'spread',
  `${options.longEpochs} epochs, %`,
  'its test, %',
];
process.stdout.write(`${renderTable(HEAD, formats.map(rowOf))}\n`);
