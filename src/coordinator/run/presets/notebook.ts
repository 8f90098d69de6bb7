import type { RecipePreset } from './preset.js';

/** The course notebook that Lockstep grew out of. */
export const NOTEBOOK = {
  name: 'notebook',
  summary: 'the course notebook: its network, rate 0.1 in steps, stops early and restores the best weights',
  about: [
    'The network and the training of the course notebook that Lockstep grew out of: SGD at rate 0.1 with momentum 0.9, a rate that falls in steps, and early stopping that restores the weights of the best validated epoch. The notebook reports 92.13 % test accuracy.',
  ],
  options: {
    model: 'notebook',
    valSize: 5000,
    epochs: 200,
    batchSize: 128,
    lr: 0.1,
    momentum: 0.9,
    nesterov: false,
    weightDecay: 1e-4,
    schedule: 'multistep',
    milestones: [100, 150],
    gamma: 0.1,
    patience: 20,
    augment: true,
    cropPadding: 4,
    labelSmoothing: 0,
  },
} as const satisfies RecipePreset;
