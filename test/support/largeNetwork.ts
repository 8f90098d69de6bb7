/** A description near the most text that a network may have: a frozen layer of given weights. */

import { NETWORK_LIMITS } from '../../src/model/index.js';
import type { NetworkEntry } from '../../src/model/index.js';

const CHANNELS = 128;
const ONE_VALUE = '0.00781234567,'; // about 1 / 128: what a layer puts out is about as large as its input

/** @param share of the characters that a description may have */
export function largeNetwork(share: number): NetworkEntry {
  const valuesPerLayer = CHANNELS * CHANNELS;
  const layerCount = Math.floor((share * NETWORK_LIMITS.textLength) / (valuesPerLayer * ONE_VALUE.length));
  const values = Array<number>(valuesPerLayer).fill(Number.parseFloat(ONE_VALUE));
  const given = Array.from({ length: layerCount }, (_, index) => ({
    kind: 'convolution' as const,
    name: `given${index}`,
    channels: CHANNELS,
    kernelSize: 1 as const,
    frozen: ['weight' as const],
    initial: { weight: { kind: 'values' as const, values } },
  }));
  return {
    name: 'large',
    inputShape: { height: 4, width: 4, channels: CHANNELS },
    classNames: ['a', 'b'],
    layers: [
      ...given,
      { kind: 'global-average-pool', name: 'pool' },
      { kind: 'dense', name: 'logits', channels: 2 },
    ],
  };
}
