/** A small recipe; a test overrides the fields that it needs. */

import type { Recipe } from '../../src/coordinator/index.js';

export function recipe(change: Partial<Recipe> = {}): Recipe {
  return {
    dataset: 'synthetic',
    trainLimit: null,
    valSize: 8,
    stratify: false,
    model: 'resnet8',
    dropout: 0,
    epochs: 2,
    maxSteps: null,
    batchSize: 8,
    microBatch: 4,
    lr: 0.1,
    momentum: 0.9,
    nesterov: false,
    weightDecay: 1e-4,
    schedule: 'constant',
    milestones: [100, 150],
    gamma: 0.1,
    warmupEpochs: 0,
    patience: 20,
    augment: true,
    cropPadding: 4,
    labelSmoothing: 0,
    evalStatistics: 'running',
    seed: 1,
    ...change,
  };
}
