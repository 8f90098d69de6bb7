/** A short training on a fixed set of images, without augmentation. */

import type { Model } from '../../model/index.js';
import { Trainer } from '../trainer.js';
import type { Workbench } from '../workbench.js';

interface Effort {
  readonly epochs: number;
  readonly lr: number;
}

const SHORT: Effort = { epochs: 16, lr: 0.05 };
/** For a network that is slow to learn: a bound that holds in the end need not hold so soon. */
const LONGER: Effort = { epochs: 48, lr: 0.2 };
const LOWEST = 5e-4;

export interface ShortTraining {
  /** Mean cross-entropy of the training images at the end, by the statistics of their micro-batches. */
  readonly loss: number;
  readonly accuracy: number;
  readonly steps: number;
}

/** Of a finding. */
export function lossText(loss: number): string {
  return Number.isFinite(loss) ? loss.toFixed(3) : 'nothing finite';
}

export function shortTraining(bench: Workbench, model: Model): Promise<ShortTraining> {
  return bench.once(`short training of ${model.layout.parameterCount}`, () => trained(bench, model, SHORT));
}

/** The short training; where its loss is above the bound, a longer one. */
export async function trainingBelow(bench: Workbench, bound: number): Promise<ShortTraining> {
  const short = await shortTraining(bench, bench.plainModel);
  return short.loss <= bound
    ? short
    : bench.once('longer training', () => trained(bench, bench.plainModel, LONGER));
}

/** At the highest of a few rates that does not diverge. */
async function trained(bench: Workbench, model: Model, { epochs, lr }: Effort): Promise<ShortTraining> {
  let last: ShortTraining;
  let rate = lr;
  do {
    last = await trainedAt(bench, model, { epochs, lr: rate });
    rate /= 10;
  } while (!Number.isFinite(last.loss) && rate >= LOWEST);
  return last;
}

async function trainedAt(bench: Workbench, model: Model, { epochs, lr }: Effort): Promise<ShortTraining> {
  const trainer = await Trainer.start(bench, model);
  const batches = bench.fixedBatches().map((samples) => bench.batchOf(samples));
  const total = epochs * batches.length;
  for (let step = 0; step < total; step++) {
    // The rate falls to zero in a line, so that the last steps settle.
    const { loss } = await trainer.step([batches[step % batches.length]!], lr * (1 - step / total));
    if (!Number.isFinite(loss)) return { loss: Infinity, accuracy: 0, steps: step };
  }
  const { lossSum, correct, sampleCount } = await trainer.evaluate(batches);
  return { loss: lossSum / sampleCount, accuracy: correct / sampleCount, steps: total };
}
