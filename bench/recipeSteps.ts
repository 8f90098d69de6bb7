/**
 * Whole steps of the recipe `fast94` beside its twin in PyTorch, in turns: 1,024 images, Nesterov momentum, weights averaged.
 * Lockstep's steps also draw and augment their images; PyTorch's have one prepared batch.
 */

import { run } from './childProcess.js';
import type { IdleWatch } from './machine.js';
import type { Peer } from './peer.js';
import { inRepository } from './repository.js';
import { spreadOf } from './statistics.js';
import type { Spread } from './statistics.js';
import { renderTable } from './table.js';
import { measureRun, MICRO_BATCH } from './trainRun.js';

const RECIPE = 'fast94';
const IMAGES = 1024;
const WARM_UP_STEPS = 3;
const TWIN = inRepository('bench', 'peers', 'fast94.py');

export interface RecipeStepsRow {
  readonly recipe: string;
  readonly workers: number;
  /** Milliseconds of a step; a round's value is the median of its steps. */
  readonly lockstepMs: Spread;
  readonly peerMs: Spread | null;
  /** The peer's median divided by Lockstep's. */
  readonly ratio: number | null;
}

export interface RecipeStepsOptions {
  readonly workers: readonly number[];
  readonly rounds: number;
  readonly steps: number;
}

export async function measureRecipeSteps(
  { workers, rounds, steps }: RecipeStepsOptions,
  peer: Peer | undefined,
  idle: IdleWatch,
  say: (message: string) => void,
): Promise<RecipeStepsRow[]> {
  const cases = workers.map((count) => ({ workers: count, own: [] as number[], peers: [] as number[] }));
  for (let round = 1; round <= rounds; round++) {
    for (const one of cases) {
      await idle.probe();
      const ours = ['--recipe', RECIPE, '--workers', String(one.workers)];
      one.own.push((await measureRun(ours, WARM_UP_STEPS, steps)).medianStepMs);
      await idle.probe();
      if (peer) one.peers.push(await measureTwin(peer, one.workers, steps));
      const theirs = peer ? `, pytorch ${one.peers.at(-1)!.toFixed(0)}` : '';
      say(
        `round ${round} of ${rounds}: ${RECIPE}, workers ${one.workers}: lockstep ${one.own.at(-1)!.toFixed(0)}${theirs} ms a step`,
      );
    }
  }
  return cases.map((one) => {
    const lockstepMs = spreadOf(one.own);
    const peerMs = one.peers.length === 0 ? null : spreadOf(one.peers);
    const ratio = peerMs && peerMs.median / lockstepMs.median;
    return { recipe: RECIPE, workers: one.workers, lockstepMs, peerMs, ratio };
  });
}

/** @returns the median of the steps, channels last in memory */
async function measureTwin({ python }: Peer, threads: number, steps: number): Promise<number> {
  const { stdout } = await run(python, [
    TWIN,
    ...['--steps', String(steps), '--warm-up', String(WARM_UP_STEPS), '--threads', String(threads)],
    ...['--batch-size', String(IMAGES), '--micro-batch', String(MICRO_BATCH)],
  ]);
  const { imagesPerSecond } = JSON.parse(stdout) as { imagesPerSecond: number };
  return (1000 * IMAGES) / imagesPerSecond;
}

export function recipeStepsText(
  rows: readonly RecipeStepsRow[],
  { rounds, steps }: RecipeStepsOptions,
): string {
  const text = (spread: Spread | null): string | null =>
    spread && `${spread.median.toFixed(0)} (${spread.min.toFixed(0)} … ${spread.max.toFixed(0)})`;
  return [
    `Steps of ${RECIPE}, ${IMAGES} images each, ms: median (min … max) of ${rounds} rounds; in each, the programs take turns`,
    `A round's value is the median of ${steps} steps after ${WARM_UP_STEPS}; micro-batch ${MICRO_BATCH} on both sides.`,
    '',
    renderTable(
      ['recipe, workers', 'lockstep', 'pytorch channels-last', 'ratio'],
      rows.map((row) => [
        `${row.recipe}, ${row.workers}`,
        text(row.lockstepMs),
        text(row.peerMs),
        row.ratio === null ? null : row.ratio.toFixed(2),
      ]),
    ),
    '',
    'lockstep       with data, augmentation and averaging; pytorch: one prepared batch, that many threads in one process',
  ].join('\n');
}
