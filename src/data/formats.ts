/** What is known of a data set before it is opened. */

import { CIFAR10_FORMAT } from './cifar10Layout.js';
import { cifar100Format } from './cifar100.js';
import type { ImageFormat } from './imageSet.js';
import { SYNTHETIC_FORMAT } from './syntheticShapes.js';

/** The data sets whose images and classes are always the same. */
export const FIXED_DATASETS = ['cifar10', 'cifar100', 'synthetic'] as const;
export type FixedDataset = (typeof FIXED_DATASETS)[number];

const FORMATS: Readonly<Record<FixedDataset, ImageFormat>> = {
  cifar10: CIFAR10_FORMAT,
  cifar100: cifar100Format(false),
  synthetic: SYNTHETIC_FORMAT,
};

export function formatOf(dataset: FixedDataset): ImageFormat {
  return FORMATS[dataset];
}

export function isFixedDataset(name: string): name is FixedDataset {
  return (FIXED_DATASETS as readonly string[]).includes(name);
}
