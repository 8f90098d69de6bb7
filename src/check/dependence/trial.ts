/** A few steps on one micro-batch: which tensors get a gradient, and which change. */

import type { Model } from '../../model/index.js';
import { tensorView } from '../../model/index.js';
import type { TensorSpec } from '../../model/index.js';
import { Trainer } from '../trainer.js';
import type { Workbench } from '../workbench.js';

/** In the first step a last layer of zeros passes no gradient on. */
const STEPS = 3;
const LR = 0.01; // with any decay that is one: whether it is too high is for another check to say

export interface TensorTrial {
  readonly spec: TensorSpec;
  readonly hasGradient: boolean;
  readonly hasChanged: boolean;
}

export function trialOf(bench: Workbench): Promise<readonly TensorTrial[]> {
  return bench.once('trial', () => tryOut(bench.plainModel, bench));
}

async function tryOut(model: Model, bench: Workbench): Promise<readonly TensorTrial[]> {
  const trainer = await Trainer.start(bench, model, {
    weightDecay: Math.min(bench.subject.recipe.weightDecay, 1),
  });
  const before = trainer.state.model.parameters.slice();
  const batch = bench.batchOf(bench.fixedBatches()[0]!);
  const moved = new Set<TensorSpec>();
  for (let step = 0; step < STEPS; step++) {
    const { gradientSum } = await trainer.step([batch], LR);
    for (const spec of model.layout.parameters) {
      if (tensorView(gradientSum, spec).some((value) => value !== 0)) moved.add(spec);
    }
  }
  return model.layout.parameters.map((spec) => {
    const first = tensorView(before, spec);
    const hasChanged = tensorView(trainer.state.model.parameters, spec).some(
      (value, at) => value !== first[at],
    );
    return { spec, hasGradient: moved.has(spec), hasChanged };
  });
}
