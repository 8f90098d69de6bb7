/** All checks, in the order in which they run: the cheap ones first, and each after those that it rests on. */

import { linear } from './baselines/linear.js';
import { prior } from './baselines/prior.js';
import { microBatch, twoImages } from './capacity/overfit.js';
import { size } from './capacity/size.js';
import { sameSeed, threads } from './computing/determinism.js';
import { reference } from './computing/reference.js';
import { slope } from './computing/slope.js';
import { channels } from './data/channels.js';
import { classes } from './data/classes.js';
import { duplicates } from './data/duplicates.js';
import { images } from './data/images.js';
import { inputs } from './data/inputs.js';
import { labels } from './data/labels.js';
import { frozen } from './dependence/frozen.js';
import { gradients } from './dependence/gradients.js';
import { independence } from './dependence/independence.js';
import { zeroedInputs } from './dependence/zeroedInputs.js';
import type { Check } from './finding.js';
import { cost } from './schedule/cost.js';
import { rate } from './schedule/rate.js';
import { rateEnd } from './schedule/rateEnd.js';
import { steps } from './schedule/steps.js';
import { warmUp } from './schedule/warmUp.js';
import { activations } from './start/activations.js';
import { filters } from './start/filters.js';
import { initialLoss } from './start/initialLoss.js';

export const CHECKS: readonly Check[] = [
  ...[classes, duplicates, images, channels, inputs, labels],
  ...[sameSeed, threads, reference, slope],
  ...[initialLoss, activations, filters],
  ...[independence, gradients, frozen, zeroedInputs],
  ...[twoImages, microBatch, size],
  ...[prior, linear],
  ...[steps, warmUp, rateEnd, rate, cost],
];
