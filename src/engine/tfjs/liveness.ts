/** When each activation is read for the last time, so that a pass holds no more memory than needed. */

import { IMAGES } from '../../model/index.js';
import type { Layer, Model } from '../../model/index.js';
import type { Normaliser } from './backend.js';

/**
 * Activations to free after each moment of a pass. With L layers, moment i < L is the forward computation of layer i,
 * and moment 2L - 1 - i is its backward computation. The caller frees the last layer's output, the logits.
 */
export type ReleasePlan = readonly (readonly number[])[];

export function planReleases(
  layers: Model['layers'],
  withBackward: boolean,
  normaliser: Pick<Normaliser, 'backwardReadsInput'>,
): ReleasePlan {
  const momentCount = withBackward ? 2 * layers.length : layers.length;
  const lastRead = new Array<number>(layers.length).fill(0);
  const read = (activation: number, moment: number): void => {
    if (activation !== IMAGES) lastRead[activation] = Math.max(lastRead[activation]!, moment);
  };
  layers.forEach((layer, index) => {
    read(index, index);
    read(layer.input, index);
    if (layer.kind === 'add') read(layer.other, index);
    if (!withBackward) return;
    const backwardMoment = momentCount - 1 - index;
    if (backwardReadsInput(layer, normaliser)) read(layer.input, backwardMoment);
    if (layer.kind === 'relu') read(index, backwardMoment);
  });
  const plan = Array.from({ length: momentCount }, (): number[] => []);
  for (let activation = 0; activation < layers.length - 1; activation++) {
    plan[lastRead[activation]!]!.push(activation);
  }
  return plan;
}

function backwardReadsInput(layer: Layer, normaliser: Pick<Normaliser, 'backwardReadsInput'>): boolean {
  if (layer.kind === 'batch-normalisation') return normaliser.backwardReadsInput;
  return layer.kind === 'convolution' || layer.kind === 'dense';
}
