/**
 * The network of recipe `fast94`: a 2x2 convolution that whitens the images and is never trained; three groups of 64, 256 and 256 channels, each of
 * a convolution, a pool, and a second convolution with a skip around it; the largest of each last map; one dense layer.
 * After airbench94 (github.com/KellerJordan/cifar10-airbench), whose groups have no skip, with maps of 32, 16, 8 and 4 pixels
 * in place of 31, 15, 7 and 3.
 */

import { pooledShape } from './geometry.js';
import type { ActivationShape } from './layers.js';
import type { LayerEntry } from './layerKinds.js';
import { IMAGES_NAME } from './model.js';
import { NetworkBuilder } from './networkBuilder.js';
import type { BatchNormalisationOptions } from './networkBuilder.js';

/** Each 2x2 patch of three channels has twelve numbers: twelve directions, and their opposites. */
const DIRECTIONS_PER_CHANNEL = 8;
const GROUPS = [64, 256, 256] as const;
const LAST_WINDOW = 4;
const LOGIT_SCALE = 1 / 9;
const DIRAC = { initial: { weight: { kind: 'dirac' } } } as const;
const NORMALISATION: BatchNormalisationOptions = { epsilon: 1e-12, momentum: 0.4, frozen: ['scale'] };

interface Purpose {
  readonly inputShape: ActivationShape;
  readonly classCount: number;
  /** 0: no dropout layer. */
  readonly dropoutRate: number;
}

export function fast94Layers({ inputShape, classCount, dropoutRate }: Purpose): readonly LayerEntry[] {
  const builder = new GroupBuilder();
  let top = builder.whitening(inputShape.channels);
  for (const [index, channels] of GROUPS.entries()) top = builder.group(`group${index + 1}`, top, channels);
  top = builder.largest(top, lastMap(inputShape));
  if (dropoutRate > 0) top = builder.dropout('dropout', top, dropoutRate);
  top = builder.dense('dense', top, classCount, { bias: false });
  builder.scale('scale', top, LOGIT_SCALE);
  return builder.layers;
}

function lastMap(shape: ActivationShape): ActivationShape {
  return GROUPS.reduce((map) => pooledShape(map, { size: 2, stride: 2 }), shape);
}

class GroupBuilder extends NetworkBuilder {
  whitening(channels: number): string {
    const top = this.convolution('whitening', IMAGES_NAME, DIRECTIONS_PER_CHANNEL * channels, 1, {
      kernelSize: 2,
      bias: true,
      frozen: ['weight'],
      initial: { weight: { kind: 'whitening' } },
    });
    return this.gelu('whitening.gelu', top);
  }

  group(name: string, input: string, channels: number): string {
    let top = this.convolution(`${name}.conv1`, input, channels, 1, DIRAC);
    top = this.maxPool(`${name}.pool`, top, 2);
    top = this.batchNormalisation(`${name}.norm1`, top, NORMALISATION);
    const skipped = this.gelu(`${name}.gelu1`, top);
    top = this.convolution(`${name}.conv2`, skipped, channels, 1, DIRAC);
    top = this.batchNormalisation(`${name}.norm2`, top, NORMALISATION);
    return this.gelu(`${name}.gelu2`, this.add(`${name}.sum`, top, skipped));
  }

  /** One value a channel; of images larger than those of CIFAR-10, the mean of several. */
  largest(input: string, map: ActivationShape): string {
    const size = Math.max(1, Math.min(LAST_WINDOW, map.height, map.width));
    const pooled = pooledShape(map, { size, stride: size });
    const top = this.maxPool('pool', input, size);
    return pooled.height === 1 && pooled.width === 1 ? top : this.globalAveragePool('mean', top);
  }
}
