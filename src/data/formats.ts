/** What is known of each data set before it is opened. */

import { CIFAR10_FORMAT } from './cifar10Layout.js';
import type { DatasetName, ImageFormat } from './imageSet.js';
import { SYNTHETIC_FORMAT } from './syntheticShapes.js';

const FORMATS: Readonly<Record<DatasetName, ImageFormat>> = {
  cifar10: CIFAR10_FORMAT,
  synthetic: SYNTHETIC_FORMAT,
};

export function formatOf(dataset: DatasetName): ImageFormat {
  return FORMATS[dataset];
}
