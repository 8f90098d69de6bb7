import type { RecipePreset } from './preset.js';

/** Thirteen epochs after airbench94 (arXiv:2404.00498), with a residual network and batch statistics of 32 images. */
export const FAST94 = {
  name: 'fast94',
  summary:
    '13 epochs of network fast94: whitening, lookahead, alternating flips, several views in evaluation',
  about: [
    'After [airbench94](https://github.com/KellerJordan/cifar10-airbench) (Jordan, arXiv:2404.00498), which reports a mean of 94.01 % test accuracy in 9.9 epochs over all 50,000 training images. Its rates are the same in our units: its 11.5 for a sum over 1,024 images, divided by 1 + 1 / (1 - momentum), is 1.5 for a mean; its decay of 0.0153 relative to the rate is 0.00133. Different here: an identity skip in each group of the network, same padding everywhere, batch statistics of 32 images instead of 1,024, the bias of the whitening layer is trained in all epochs instead of three, and three epochs more.',
    '`valSize` 0 trains on all images and uses the last weights. It reached 94.36, 94.42 and 94.27 % with seeds 1 to 3 (`records/2026-11-26-fast94-seed1`, `records/2026-11-27-fast94-seed2`, `records/2026-11-27-fast94-seed3`); seed 3 took 37 minutes on two nearly idle cores. On an NVIDIA H200, with engine webgpu and `microBatch` 256, it reached 94.40 % in 48 seconds (`records/2026-11-27-h200`).',
  ],
  options: {
    model: 'fast94',
    epochs: 13,
    batchSize: 1024,
    microBatch: 32,
    dropLast: true,
    lr: 1.5,
    momentum: 0.85,
    nesterov: true,
    weightDecay: 0.00133,
    decayOn: 'all',
    shiftLrFactor: 64,
    averaging: 'lookahead',
    schedule: 'triangular',
    warmupEpochs: 3,
    finalLr: 0.105,
    patience: 0,
    augment: true,
    cropPadding: 2,
    border: 'reflect',
    flip: 'alternating',
    cutout: 0,
    colourJitter: 0,
    mixup: 0,
    labelSmoothing: 0.2,
    tta: 'full',
  },
} as const satisfies RecipePreset;
