/** One micro-batch, computed by the engine of the run and, if there is one, by another. */

import { dropoutKey } from '../../data/index.js';
import type { Engine, EvaluationResult, GradientResult, MicroBatch } from '../../engine/index.js';
import type { RandomKey } from '../../foundation/random.js';
import { summarise } from '../../model/index.js';
import type { ModelState } from '../../model/index.js';
import type { Workbench } from '../workbench.js';

/** Few, for the reference is slow: so many that their forward passes have no more multiplications than this. */
const MOST_IMAGES = 8;
const FEWEST_IMAGES = 2;
const MULTIPLICATIONS = 1.5e8;
export const NO_DROPOUT_SEED: RandomKey = dropoutKey(0, 0, 0, 0);

export interface Probe {
  readonly state: ModelState;
  readonly batch: MicroBatch;
  readonly gradient: GradientResult;
  /** With the statistics of the batch. */
  readonly evaluation: EvaluationResult;
}

/** At the first weights, without dropout: an evaluation has none. */
export function probeOf(bench: Workbench): Promise<Probe> {
  return bench.once('probe', async () => probeBy(await bench.engineFor(bench.plainModel), bench));
}

export function referenceProbeOf(bench: Workbench): Promise<Probe> {
  return bench.once('reference probe', async () =>
    probeBy(await bench.referenceFor(bench.plainModel), bench),
  );
}

export function isFiniteProbe({
  gradient: { lossSum, gradientSum },
  evaluation: { logits },
}: Probe): boolean {
  return Number.isFinite(lossSum) && gradientSum.every(Number.isFinite) && logits.every(Number.isFinite);
}

export const PROBE_NOT_FINITE = 'the first loss or gradient is not finite: see initial-loss';

async function probeBy(engine: Engine, bench: Workbench): Promise<Probe> {
  const affordable = Math.floor(MULTIPLICATIONS / summarise(bench.plainModel).multiplications);
  const images = Math.min(MOST_IMAGES, Math.max(FEWEST_IMAGES, affordable));
  const batch = bench.batchOf(bench.fixedSamples().subarray(0, images));
  const state = bench.freshState().model;
  const versioned = bench.versioned(state);
  return {
    state,
    batch,
    gradient: await engine.gradient(versioned, batch, NO_DROPOUT_SEED),
    evaluation: await engine.evaluate(versioned, batch, 'batch'),
  };
}
