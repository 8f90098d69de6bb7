import type { RecipePreset } from './preset.js';

/** arXiv:1512.03385, section 4.2. */
export const PAPER = {
  name: 'paper',
  summary: 'the ResNet paper: 64,000 steps of batch 128, rate 0.1 divided by 10 at 32,000 and 48,000',
  about: [
    'Section 4.2 of [arXiv:1512.03385](https://arxiv.org/abs/1512.03385): rate 0.1, divided by 10 at 32,000 and 48,000 of 64,000 steps; momentum 0.9; decay 1e-4; batches of 128 on two GPUs, so that batch normalisation sees 64 samples; 45,000 training images and 5,000 for validation; crops from a border of 4 pixels, and flips. It reports 8.75 % test error for ResNet-20, 7.51 % for ResNet-32 and 6.97 % for ResNet-56.',
    'An epoch of 45,000 images has 352 steps, so the rate falls after 91 and 136 of 182 epochs: within 128 steps of the paper. The paper uses the last weights; Lockstep uses those of the best validated epoch. For ResNet-110 the paper warms up: add `warmupEpochs` 1.',
  ],
  options: {
    valSize: 5000,
    epochs: 182,
    batchSize: 128,
    microBatch: 64,
    lr: 0.1,
    momentum: 0.9,
    nesterov: false,
    weightDecay: 1e-4,
    schedule: 'multistep',
    milestones: [91, 136],
    gamma: 0.1,
    patience: 0,
    augment: true,
    cropPadding: 4,
    labelSmoothing: 0,
  },
} as const satisfies RecipePreset;
