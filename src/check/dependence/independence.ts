/** With frozen statistics an image decides its own answer alone, and so its own loss. */

import { found, passed } from '../finding.js';
import type { Check } from '../finding.js';

const IMAGES = 4;
/** Of engines that promise no bits. */
const ROUNDING = 1e-4;

export const independence: Check = {
  name: 'independence',
  group: 'dependence',
  about: 'in evaluation the loss of an image depends on that image alone',
  needs: ['activations'],
  run: async (bench) => {
    const { recipe, computing, model } = bench.subject;
    const engine = await bench.engineFor();
    const state = bench.versioned(bench.freshState().model);
    const samples = bench.fixedSamples().subarray(0, IMAGES + 1);
    if (samples.length < IMAGES + 1) return { leftOut: 'there are too few images' };
    const batch = bench.batchOf(samples.subarray(0, IMAGES));
    // The first image becomes another; all others stay.
    const images = batch.images.slice();
    images.set(bench.batchOf(samples.subarray(IMAGES)).images, 0);
    const { evalStatistics } = recipe;
    const before = (await engine.evaluate(state, batch, evalStatistics)).logits.slice();
    const after = (await engine.evaluate(state, { ...batch, images }, evalStatistics)).logits;
    const change = (sample: number): number =>
      Math.max(
        ...Array.from({ length: model.classCount }, (_, label) =>
          Math.abs(after[sample * model.classCount + label]! - before[sample * model.classCount + label]!),
        ),
      );
    const expected = 'another first image changes the logits of the first image, and no others by a bit';
    const others = Math.max(...Array.from({ length: IMAGES - 1 }, (_, place) => change(place + 1)));
    if (others > (computing.description.exact ? 0 : ROUNDING)) {
      return found(evalStatistics === 'batch' ? 'warn' : 'fail', {
        expected,
        seen: `the logits of the other images change by up to ${others.toPrecision(2)}`,
        advice:
          evalStatistics === 'batch'
            ? [
                'evaluate with ',
                { option: 'evalStatistics', value: 'running' },
                ': an accuracy must not depend on the neighbours of an image',
              ]
            : 'look for statistics of the batch, or a reshape that mixes images, in evaluation',
      });
    }
    if (change(0) > 0) return passed(expected, 'so it is');
    return found('fail', {
      expected,
      seen: 'the logits of the first image do not change either',
      advice: 'the images do not reach the logits: look for a layer that is cut off, or dead',
    });
  },
};
