import type { RecipePreset } from './preset.js';

/** The training of the models in github.com/chenyaofo/pytorch-cifar-models, as their logs record it. */
export const MODERN = {
  name: 'modern',
  summary: '200 epochs of batch 256 under a cosine to 0, Nesterov momentum, weight decay 5e-4',
  about: [
    'The training of [pytorch-cifar-models](https://github.com/chenyaofo/pytorch-cifar-models), whose logs record it: 200 epochs of batch 256, rate 0.1 under a cosine to 0, Nesterov momentum 0.9, decay 5e-4. It reports 92.60 % test accuracy for ResNet-20 and 93.53 % for ResNet-32, on all 50,000 training images and with the best of the epochs by test accuracy.',
    'Lockstep holds 5,000 images back and chooses the epoch by them; `valSize` 0 trains on all images and uses the last weights. ResNet-32 in 60 epochs of batch 128 at rate 0.2 reached 93.15 % on the test set with two views of each image, 92.44 % with one (`records/2026-11-27-resnet32`).',
  ],
  options: {
    valSize: 5000,
    epochs: 200,
    batchSize: 256,
    lr: 0.1,
    momentum: 0.9,
    nesterov: true,
    weightDecay: 5e-4,
    schedule: 'cosine',
    finalLr: 0,
    warmupEpochs: 0,
    patience: 0,
    augment: true,
    cropPadding: 4,
    labelSmoothing: 0,
  },
} as const satisfies RecipePreset;
