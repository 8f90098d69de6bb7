/** An evaluation as `lockstep evaluate` writes it, of two classes and two images. */

import type { Evaluation } from '../../src/coordinator/index.js';

export function evaluationOf(change: Partial<Evaluation> = {}): Evaluation {
  const image = {
    height: 2,
    width: 2,
    channels: 3,
    pixels: Buffer.from([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9]).toString('base64'),
  };
  return {
    evaluatedAt: '2026-01-02T03:04:05.678Z',
    lockstepVersion: '0.1.0',
    checkpoint: 'runs/first/checkpoints/best.safetensors',
    model: 'resnet8',
    dataset: 'synthetic',
    epoch: 3,
    weightsSha256: 'digest3',
    engine: 'simd',
    numericsClass: 'simd/1',
    evalStatistics: 'running',
    tta: 'none',
    testLoss: 0.75,
    testAccuracy: 0.75,
    testSamples: 4,
    classes: [
      { name: 'cat', samples: 2, correct: 1, recall: 0.5, precision: 1 },
      { name: 'dog', samples: 2, correct: 2, recall: 1, precision: 2 / 3 },
    ],
    confusion: [
      [1, 1],
      [0, 2],
    ],
    calibration: {
      expectedError: 0.125,
      meanConfidence: 0.875,
      bins: [
        { from: 0, to: 0.5, samples: 0, meanConfidence: null, accuracy: null },
        { from: 0.5, to: 1, samples: 4, meanConfidence: 0.875, accuracy: 0.75 },
      ],
    },
    worstImages: [
      { index: 7, label: 0, predicted: 1, confidence: 0.96, labelProbability: 0.04, loss: 3.22, image },
      { index: 9, label: 1, predicted: 1, confidence: 0.6, labelProbability: 0.6, loss: 0.51 },
    ],
    ...change,
  };
}
