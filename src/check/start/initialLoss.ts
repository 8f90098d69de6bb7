/** The first loss is that of a network that knows nothing: ln(classes). */

import { judgeFirstLoss } from '../../coordinator/index.js';
import { found, passed } from '../finding.js';
import type { Check, Words } from '../finding.js';
import type { Workbench } from '../workbench.js';

export const initialLoss: Check = {
  name: 'initial-loss',
  group: 'start',
  about: 'the loss of the first weights is near ln(classes)',
  run: async (bench) => {
    const { classCount } = bench.subject.model;
    const loss = await firstLoss(bench);
    const isTrained = bench.subject.initial !== undefined;
    if (isTrained && Number.isFinite(loss)) return { leftOut: 'the weights have been trained before' };
    const expected = `about ln(${classCount}) = ${Math.log(classCount).toFixed(2)}, the loss of a guess`;
    const verdict = judgeFirstLoss(loss, classCount);
    if (verdict === 'pass') return passed(expected, loss.toFixed(2));
    return found(verdict, {
      expected,
      seen: Number.isFinite(loss) ? loss.toFixed(2) : 'it is not finite',
      advice: adviceFor(loss, { classCount, isTrained }),
    });
  },
};

function adviceFor(
  loss: number,
  { classCount, isTrained }: { readonly classCount: number; readonly isTrained: boolean },
): Words {
  if (isTrained)
    return ['these weights are of a training that diverged: give others to ', { option: 'init' }];
  return loss < Math.log(classCount)
    ? 'nothing can be known before the first step: look for the label in the inputs'
    : 'the first logits are too large: start the last layer with smaller weights';
}

async function firstLoss(bench: Workbench): Promise<number> {
  const engine = await bench.engineFor(bench.plainModel);
  const state = bench.versioned(bench.freshState().model);
  let lossSum = 0;
  for (const samples of bench.fixedBatches()) {
    lossSum += (await engine.evaluate(state, bench.batchOf(samples), 'batch')).lossSum;
  }
  return lossSum / bench.fixedSamples().length;
}
