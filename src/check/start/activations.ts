/** No layer is dead and none explodes before the first step. */

import { found, passed } from '../finding.js';
import type { Check } from '../finding.js';
import type { Workbench } from '../workbench.js';
import { forward } from './forward.js';

const IMAGES = 4;
const EXPLODED = 1e3;
const LARGE = 50;
const VANISHED = 1e-4;

export interface LayerSize {
  readonly layer: string;
  /** Root of the mean square over images, pixels and channels. */
  readonly size: number;
  /** Whether all outputs are the same number. */
  readonly isConstant: boolean;
}

export function layerSizesOf(bench: Workbench): Promise<readonly LayerSize[]> {
  return bench.once('layer sizes', () => {
    const model = bench.plainModel;
    const batch = bench.batchOf(bench.fixedSamples().subarray(0, IMAGES));
    const outputs = forward(model, bench.freshState().model.parameters, batch.images);
    return model.layers.map(({ name }, index) => sizeOf(name, outputs[index]!));
  });
}

function sizeOf(layer: string, values: Float64Array): LayerSize {
  let squares = 0;
  let isConstant = true;
  for (const value of values) {
    squares += value * value;
    if (value !== values[0]) isConstant = false;
  }
  return { layer, size: Math.sqrt(squares / values.length), isConstant };
}

export const activations: Check = {
  name: 'activations',
  group: 'start',
  about: 'in no layer are the first outputs dead, vanishing or exploding',
  run: async (bench) => {
    const sizes = await layerSizesOf(bench);
    const all = sizes.map(({ size }) => size);
    const expected = `outputs that vary, of a size from ${VANISHED} to ${LARGE}, in all ${sizes.length} layers`;
    const seen = `sizes from ${short(Math.min(...all))} to ${short(Math.max(...all))}`;
    const dead = sizes.find(({ isConstant }) => isConstant);
    if (dead) {
      const isLast = dead.layer === bench.subject.model.layers.at(-1)!.name;
      return found(isLast ? 'warn' : 'fail', {
        expected,
        seen: `layer ${dead.layer} puts out ${short(dead.size)} everywhere`,
        advice: isLast
          ? 'with zeros in the last layer the others learn nothing in the first step; give it small random weights'
          : 'give it random first weights: what is dead for every image passes nothing on',
      });
    }
    const large = sizes.find(({ size }) => !(size <= LARGE));
    if (large) {
      return found(large.size <= EXPLODED ? 'warn' : 'fail', {
        expected,
        seen: `${short(large.size)} in layer ${large.layer}`,
        advice: 'start with smaller weights there, or put batch normalisation after it',
      });
    }
    const small = sizes.find(({ size }) => size < VANISHED);
    if (!small) return passed(expected, seen);
    return found('warn', {
      expected,
      seen: `${short(small.size)} in layer ${small.layer}`,
      advice: 'start with larger weights there, or put batch normalisation after it',
    });
  },
};

function short(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(2))) : 'infinity';
}
