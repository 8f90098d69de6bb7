/** Time and memory of the whole run, told before it begins. */

import { totalmem } from 'node:os';
import { imageByteCount } from '../../data/index.js';
import { summarise, trainingMemory } from '../../model/index.js';
import { firstSteps, NOT_FINITE } from '../computing/determinism.js';
import { found, passed } from '../finding.js';
import type { Check } from '../finding.js';
import type { Subject } from '../subject.js';
import { ratesOf } from './rates.js';

/** An image is evaluated in about a third of the time that its gradient takes. */
const EVALUATION_SHARE = 1 / 3;
const MOST_OF_MEMORY = 0.8;
/** Node, the engines, and what they compile. */
const PROGRAM_BYTES = 150e6;
/** Weights, momentum, the best weights, a checkpoint in the making, and sums of gradients. */
const VECTORS = 8;

export const cost: Check = {
  name: 'cost',
  group: 'schedule',
  about: 'time and memory of the whole run',
  run: async (bench) => {
    const { subject } = bench;
    const steps = await firstSteps(bench);
    if (!steps) return { leftOut: NOT_FINITE };
    const { imagesPerSecond } = steps;
    const { threads } = subject.computing;
    const seconds = imagesOf(subject) / (imagesPerSecond * threads);
    const bytes = bytesOf(subject);
    const expected = `a run that fits into the ${gigabytes(totalmem())} of this machine`;
    const seen = `about ${timeText(seconds)} on ${threads} thread${threads === 1 ? '' : 's'}, and ${gigabytes(bytes)}`;
    if (bytes <= MOST_OF_MEMORY * totalmem()) return passed(expected, seen);
    return found('warn', {
      expected,
      seen,
      advice: ['use fewer ', { option: 'workers' }, ' or a smaller ', { option: 'microBatch' }],
    });
  },
};

function imagesOf(subject: Subject): number {
  const { recipe, data } = subject;
  const { steps, stepsPerEpoch } = ratesOf(subject);
  const perEpoch = recipe.dropLast ? stepsPerEpoch * recipe.batchSize : data.split.training.length;
  return (steps / stepsPerEpoch) * (perEpoch + EVALUATION_SHARE * data.split.validation.length);
}

function bytesOf({ model, recipe, data: { set }, computing: { threads } }: Subject): number {
  const each = trainingMemory(summarise(model), recipe.microBatch);
  const images = set.sampleCount * imageByteCount(set.imageShape);
  return PROGRAM_BYTES + images + VECTORS * each.parameters + threads * each.total;
}

function gigabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`;
}

function timeText(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
