/** The short training whose digests are committed, one a numerics class; some tests run it elsewhere than in this Node. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { REPOSITORY } from './lockstep.js';

export const GOLDEN_TRAINING = path.join(REPOSITORY, 'test', 'golden', 'training.json');

export const GOLDEN_RECIPE = [
  ...[
    '--dataset',
    'synthetic',
    '--model',
    'resnet14',
    '--train-limit',
    '130',
    '--val-size',
    '120',
    '--epochs',
    '2',
  ],
  ...[
    '--batch-size',
    '48',
    '--micro-batch',
    '16',
    '--dropout',
    '0.1',
    '--schedule',
    'cosine',
    '--nesterov',
    '--seed',
    '3',
  ],
];

/** By numerics class: the digests after the last step. */
export type GoldenDigests = Record<string, string>;

export function readGoldenDigests(): GoldenDigests {
  return JSON.parse(readFileSync(GOLDEN_TRAINING, 'utf8')) as GoldenDigests;
}
