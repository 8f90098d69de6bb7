/** Run folders made by hand, as Lockstep writes them, for what reads them. */

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface MadeRun {
  readonly config?: object;
  readonly result?: object;
  /** Lines of metrics.jsonl. */
  readonly lines?: readonly object[];
}

export const CONFIG = {
  dataset: 'synthetic',
  model: 'resnet8',
  epochs: 3,
  lr: 0.1,
  seed: 7,
  workers: 2,
  dataDir: '/data',
  versions: { lockstep: '0.1.0', node: '20.0.0' },
};

export function makeRun(folder: string, { config = CONFIG, result, lines = [] }: MadeRun = {}): string {
  mkdirSync(path.join(folder, 'checkpoints'), { recursive: true });
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify(config));
  writeFileSync(
    path.join(folder, 'metrics.jsonl'),
    lines.map((line) => `${JSON.stringify({ time: '2026-01-01T00:00:00.000Z', ...line })}\n`).join(''),
  );
  if (result) writeFileSync(path.join(folder, 'result.json'), JSON.stringify(result));
  return folder;
}

export function epochLine(epoch: number, change: object = {}): object {
  return {
    event: 'epoch',
    epoch,
    step: 10 * epoch,
    lr: 0.1,
    trainLoss: 1 / epoch,
    trainAccuracy: 0.5,
    validationLoss: 2 / epoch,
    validationAccuracy: (40 + epoch) / 100,
    validationSeconds: 1,
    imagesPerSecond: 100,
    wallSeconds: 60 * epoch,
    best: true,
    weightsSha256: `digest${epoch}`,
    ...change,
  };
}

export function stepLine(step: number, change: object = {}): object {
  return {
    event: 'step',
    step,
    epoch: 1,
    lr: 0.1,
    loss: step,
    accuracy: 0.5,
    samples: 128,
    imagesPerSecond: 100,
    stepMs: 1,
    coordinationMs: 0.1,
    ...change,
  };
}

export const RESULT = {
  weightsSha256: 'digest3',
  lastWeightsSha256: 'digest3',
  stepsCompleted: 30,
  epochsCompleted: 3,
  bestEpoch: 3,
  bestValidationAccuracy: 0.43,
  imagesPerSecond: 99.5,
  wallSeconds: 181,
  engine: 'simd',
  numericsClasses: ['simd/1'],
  exact: true,
  dataset: 'synthetic',
  stoppedBy: 'epochs',
  testAccuracy: 0.41,
  testLoss: 1.5,
};
