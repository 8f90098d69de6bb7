/** The bytes that a simulation counts, beside those that the codec and the WebSocket library really make. */

import { describe, expect, it } from 'vitest';
import { encodeMessage } from '../../src/protocol/index.js';
import type { AnyMessage } from '../../src/protocol/index.js';
import { frameBytes } from '../../src/simulate/messageSizes.js';
// @ts-expect-error -- the package's types leave it out
import { Sender } from 'ws';

const SIZES = {
  ...{ parameterCount: 77_850, statisticCount: 479, imageBytes: 3072 },
  wire: 'float32',
} as const;

const bytes = (count: number): Uint8Array => new Uint8Array(count);
const parameters = bytes(4 * SIZES.parameterCount);
const statistics = bytes(4 * SIZES.statisticCount);
const score = { sampleCount: 13, lossSum: 30.5, correct: 2 };
type Key = [number, number];
const keys = { augmentationKey: [1, 2] as Key, dropoutKey: [3, 2 ** 31] as Key, roundingKey: null };

/** A message as it is, and as simulated nodes send it: a network of two parameters, images of one byte. */
const PAIRS: readonly (readonly ['node' | 'coordinator', AnyMessage, AnyMessage])[] = [
  [
    'coordinator',
    { type: 'parameters', version: 70_000, wire: 'float32', parameters, statistics },
    { type: 'parameters', version: 70_000, wire: 'float32', parameters: bytes(8), statistics: bytes(0) },
  ],
  [
    'coordinator',
    {
      ...{ type: 'work', step: 3, microBatch: 300, mirrored: null, ...keys },
      ...{ pixels: bytes(13 * SIZES.imageBytes), labels: bytes(13) },
    },
    {
      ...{ type: 'work', step: 3, microBatch: 300, mirrored: null, ...keys },
      ...{ pixels: bytes(13), labels: bytes(13) },
    },
  ],
  [
    'node',
    { type: 'result', step: 3, microBatch: 5, ...score, gradientSum: parameters, statisticSum: statistics },
    { type: 'result', step: 3, microBatch: 5, ...score, gradientSum: bytes(8), statisticSum: bytes(0) },
  ],
  [
    'node',
    {
      ...{ type: 'sum', step: 3, microBatch: 4, leaves: [score, score] },
      ...{ gradientSum: parameters, statisticSum: statistics },
    },
    {
      ...{ type: 'sum', step: 3, microBatch: 4, leaves: [score, score] },
      ...{ gradientSum: bytes(8), statisticSum: bytes(0) },
    },
  ],
  ['node', { type: 'drain' }, { type: 'drain' }],
  [
    'coordinator',
    { type: 'cancel', item: 'work', round: 3, index: 7 },
    { type: 'cancel', item: 'work', round: 3, index: 7 },
  ],
];

describe('the size of a message', () => {
  it.each(PAIRS)('from the %s is that of its frame: %j', (from, real, small) => {
    const payload = Buffer.from(encodeMessage(real));
    const options = { fin: true, opcode: 2, mask: from === 'node', readOnly: true, rsv1: false };
    const parts = (Sender as { frame(data: Buffer, options: object): Buffer[] }).frame(payload, {
      ...options,
      maskBuffer: Buffer.alloc(4),
      generateMask: (mask: Buffer) => mask.fill(1),
    });
    const framed = parts.reduce((sum, part) => sum + part.byteLength, 0);
    expect(frameBytes(small, SIZES, from)).toBe(framed);
  });

  it('follows the format on the wire', () => {
    const [, , small] = PAIRS[2]!;
    const half = { ...SIZES, wire: 'bfloat16' } as const;
    const saved = frameBytes(small, SIZES, 'node') - frameBytes(small, half, 'node');
    expect(Math.abs(saved - 2 * SIZES.parameterCount)).toBeLessThan(4);
  });
});
