/** Learning a few images by heart. */

import type { MicroBatch } from '../../engine/index.js';
import { Trainer } from '../trainer.js';
import type { Workbench } from '../workbench.js';

/** Whatever the recipe's rate is: that one is judged elsewhere. The first that learns the images is enough. */
const RATES = [0.05, 0.5, 0.005] as const;
const MOST_STEPS = 150;
const STEPS_BETWEEN = 5;
export const NEAR_ZERO = 0.05;

export interface Fit {
  /** Mean cross-entropy at the end, and the share of images whose prediction is their label. */
  readonly loss: number;
  readonly accuracy: number;
  readonly steps: number;
  readonly lr: number;
}

/** Ends when the images are known by heart; without augmentation, weight decay and dropout. */
export async function fit(
  bench: Workbench,
  batch: MicroBatch,
  { rates = RATES, mostSteps = MOST_STEPS }: { rates?: readonly number[]; mostSteps?: number } = {},
): Promise<Fit> {
  let best: Fit | undefined;
  for (const lr of rates) {
    const fitted = await fitAt(bench, batch, lr, mostSteps);
    if (best === undefined || !(fitted.loss >= best.loss)) best = fitted;
    if (isKnownByHeart(fitted)) break;
  }
  return best!;
}

export function isKnownByHeart({ loss, accuracy }: Fit): boolean {
  return loss < NEAR_ZERO && accuracy === 1;
}

async function fitAt(bench: Workbench, batch: MicroBatch, lr: number, mostSteps: number): Promise<Fit> {
  const trainer = await Trainer.start(bench, bench.plainModel);
  let fitted: Fit = { loss: Infinity, accuracy: 0, steps: 0, lr };
  for (let steps = STEPS_BETWEEN; steps <= mostSteps && !isKnownByHeart(fitted); steps += STEPS_BETWEEN) {
    for (let step = 0; step < STEPS_BETWEEN; step++) await trainer.step([batch], lr);
    const { lossSum, correct, sampleCount } = await trainer.evaluate([batch]);
    fitted = { loss: lossSum / sampleCount, accuracy: correct / sampleCount, steps, lr };
    if (!Number.isFinite(fitted.loss)) break;
  }
  return fitted;
}

/** A micro-batch of training images, learned by heart. */
export function fittedMicroBatch(bench: Workbench): Promise<Fit> {
  return bench.once('fitted micro-batch', () => fit(bench, bench.batchOf(bench.fixedBatches()[0]!)));
}
