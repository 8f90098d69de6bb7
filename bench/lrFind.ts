/** `npm run bench:lr-find`: is training at the suggested rate as good as at the best of five, over ten short runs? */

import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { findLearningRate, loadCifar10, train } from '../src/index.js';
import type { DataSource, GivenRecipe } from '../src/index.js';
import { listOf, modelName, positive } from './optionValues.js';
import { renderTable } from './table.js';

interface Options {
  readonly dataDir: string;
  readonly models: readonly string[];
  readonly trainLimit: number;
  readonly valSize: number;
  readonly epochs: number;
  readonly seeds: number;
}

const options = new Command('npm run bench:lr-find --')
  .description('train at the suggested rate and at four others, and compare the validation accuracies')
  .requiredOption('--data-dir <dir>', 'folder that holds CIFAR-10')
  .option('--models <names>', 'networks', listOf(modelName), ['resnet8', 'resnet20', 'resnet8x4'])
  .option('--train-limit <n>', 'training images', positive, 5000)
  .option('--val-size <n>', 'validation images', positive, 5000)
  .option('--epochs <n>', 'of each run', positive, 5)
  .option('--seeds <n>', 'runs at each rate', positive, 2)
  .parse()
  .opts<Options>();

/** The suggestion is one of them. */
const FACTORS = [1 / 9, 1 / 3, 1, 3, 9] as const;
const POINTS = 100;

interface RateResult {
  readonly lr: number;
  readonly isSuggested: boolean;
  /** Mean over the seeds, in points. */
  readonly accuracy: number;
}

async function measure(model: string, data: DataSource, folder: string): Promise<readonly RateResult[]> {
  const { trainLimit, valSize, epochs, seeds } = options;
  const recipe: GivenRecipe = { model, trainLimit, valSize, epochs, schedule: 'onecycle', patience: 0 };
  const { lr, reason } = await findLearningRate({ recipe, data, runDir: path.join(folder, `${model}-find`) });
  process.stdout.write(`${model}: ${lr ?? 'no rate'} (${reason})\n`);
  if (lr === null) return [];
  const results: RateResult[] = [];
  for (const factor of FACTORS) {
    const rate = Number((factor * lr).toPrecision(2));
    const accuracies: number[] = [];
    for (let seed = 1; seed <= seeds; seed++) {
      const runDir = path.join(folder, `${model}-${rate}-${seed}`);
      accuracies.push(await accuracyOf({ ...recipe, lr: rate, seed }, data, runDir));
    }
    const accuracy = accuracies.reduce((sum, value) => sum + value, 0) / seeds;
    results.push({ lr: rate, isSuggested: factor === 1, accuracy });
    process.stdout.write(`  ${rate}: ${accuracies.map((value) => value.toFixed(2)).join(' ')}\n`);
  }
  return results;
}

/** Of the last epoch; 0 if it diverged. */
async function accuracyOf(recipe: GivenRecipe, data: DataSource, runDir: string): Promise<number> {
  let last = 0;
  try {
    await train({
      recipe,
      data,
      runDir,
      tensorboard: false,
      onEvent: (event) => {
        if (event.event === 'epoch') last = event.validationAccuracy ?? 0;
      },
    });
  } catch {
    return 0;
  }
  return POINTS * last;
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'lockstep-lr-find-'));
try {
  const data = await loadCifar10(options.dataDir);
  const rows: string[][] = [];
  for (const model of options.models) {
    const results = await measure(model, data, folder);
    const best = Math.max(...results.map(({ accuracy }) => accuracy));
    const mine = results.find(({ isSuggested }) => isSuggested);
    if (!mine) continue;
    const bestRate = results.find(({ accuracy }) => accuracy === best)!.lr;
    rows.push([
      model,
      String(mine.lr),
      mine.accuracy.toFixed(2),
      String(bestRate),
      best.toFixed(2),
      (best - mine.accuracy).toFixed(2),
    ]);
  }
  const head = ['network', 'suggested', 'accuracy', 'best of five', 'accuracy', 'points below'];
  process.stdout.write(`${renderTable(head, rows)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
