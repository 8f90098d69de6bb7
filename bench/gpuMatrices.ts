/**
 * Half-precision convolutions of random data on a GPU, with every tile, one JSON object per line: their distance from sums
 * in float64, which rounding of the operands must explain, and their time on layers of real size. Exits with 1 if one is
 * wrong.
 */

import { appendFileSync } from 'node:fs';
import { Command } from 'commander';
import { locateDawn, openAdapter } from '../src/engine/webgpu/dawn/dawn.js';
import { Session } from '../src/engine/webgpu/dawn/session.js';
import {
  SUBGROUP_MATRICES,
  SUBGROUP_MATRICES_OF_SCALARS,
} from '../src/engine/webgpu/kernels/matrixOperations.js';
import type { MatrixOperations } from '../src/engine/webgpu/kernels/matrixOperations.js';
import { checkLayer } from '../test/support/convolutionLayers.js';
import type { LayerCheck, LayerSize } from '../test/support/convolutionLayers.js';
import { EMULATED_MATRICES } from '../test/support/emulatedMatrices.js';
import { listOf, positive } from './optionValues.js';

interface Options {
  readonly emulate: boolean;
  readonly width: number;
  readonly microBatch: number;
  readonly time: boolean;
  readonly json?: string;
  readonly mostTiles: number;
  readonly layers: readonly number[];
}

const options = new Command('gpuMatrices.js')
  .option('--emulate', 'compute without matrix units: only check', false)
  .option('--no-time', 'only check')
  .option('--json <file>', 'append every line to this file, and print only the fastest tiles')
  .option('--width <n>', 'times the channels of a ResNet, for the timed layers', positive, 4)
  .option('--micro-batch <n>', 'images of the timed layers', positive, 128)
  .option('--most-tiles <n>', 'tiles of a kernel', positive, 12)
  .option('--layers <sides>', 'image sizes of the timed layers', listOf(positive), [32, 16, 8])
  .parse()
  .opts<Options>();

const TOLERANCE = 1e-3;
/** The fastest of a kernel's tiles. */
const SHOWN = 3;
const SMALL: readonly LayerSize[] = [
  { imageCount: 2, height: 16, width: 16, inputs: 32, outputs: 64, stride: 1 },
  { imageCount: 3, height: 8, width: 8, inputs: 64, outputs: 32, stride: 1 },
  { imageCount: 1, height: 9, width: 32, inputs: 16, outputs: 16, stride: 1 },
  { imageCount: 3, height: 16, width: 16, inputs: 32, outputs: 64, stride: 2 },
  { imageCount: 1, height: 32, width: 32, inputs: 16, outputs: 32, stride: 2 },
];

const adapter = await openAdapter(locateDawn()!, { backend: '', name: '' }, options.emulate ? 'f32' : 'f16');
if (adapter === null) throw new Error('there is no adapter');
const session = await Session.open(adapter, options.emulate ? 'f32' : 'f16');

const checked: [string, MatrixOperations | undefined][] = options.emulate
  ? [['emulated', EMULATED_MATRICES]]
  : [
      ['vectors', SUBGROUP_MATRICES],
      ['scalars', SUBGROUP_MATRICES_OF_SCALARS],
    ];
for (const [arrays, operations] of checked) {
  for (const size of SMALL) await check(arrays, operations, size, false);
}
if (options.time) {
  const { width, microBatch } = options;
  for (const [arrays, operations] of [...checked, ['f32', undefined] as const]) {
    for (const side of options.layers) {
      const channels = 512 / side;
      const [inputs, outputs] = [channels * width, channels * width];
      const size = { imageCount: microBatch, height: side, width: side, inputs, outputs } as const;
      await check(arrays, operations, { ...size, stride: 1 }, true);
      if (side < 32) {
        const strided = { ...size, height: side * 2, width: side * 2, inputs: inputs / 2 };
        await check(arrays, operations, { ...strided, stride: 2 }, true);
      }
    }
  }
}
session.dispose();

async function check(
  arrays: string,
  operations: MatrixOperations | undefined,
  size: LayerSize,
  times: boolean,
): Promise<void> {
  const layer = `${size.imageCount}x${size.height}x${size.width} ${size.inputs}-${size.outputs} stride ${size.stride}`;
  // For arrays of single numbers, only whether they are right, and as fast.
  const mostTiles = Math.min(options.mostTiles, arrays === 'scalars' ? 1 : times ? Infinity : 3);
  const checks: LayerCheck[] = [];
  try {
    const named = operations === undefined ? {} : { operations };
    for await (const result of checkLayer({
      ...{ session, size, mostTiles },
      ...{ beside: times ? 'f32' : 'float64', times },
      ...named,
    })) {
      const passes = Math.max(result.error, result.momentError ?? 0) < TOLERANCE;
      say({ arrays, layer, ...result, passes });
      checks.push(result);
    }
  } catch (error) {
    say({ arrays, layer, passes: false, error: String(error).slice(0, 400) });
  }
  if (options.json !== undefined) summarise(`${arrays} ${layer}`, checks);
}

function summarise(title: string, checks: readonly LayerCheck[]): void {
  for (const kernel of new Set(checks.map((check) => check.kernel))) {
    const fastest = checks
      .filter((check) => check.kernel === kernel)
      .sort((left, right) => (left.microseconds ?? 0) - (right.microseconds ?? 0));
    const worst = Math.max(...fastest.map(({ error }) => error));
    const times = fastest
      .slice(0, SHOWN)
      .map(({ tile, microseconds, teraflops }) =>
        microseconds === undefined
          ? ''
          : `; ${microseconds.toFixed(0)} µs, ${teraflops!.toFixed(0)} TFLOP/s: ${tile}`,
      );
    process.stdout.write(
      `${title} ${kernel}: ${fastest.length} tiles, error ${worst.toExponential(1)}${times.join('')}\n`,
    );
  }
}

function say(line: Readonly<Record<string, unknown>>): void {
  if (line['passes'] === false) process.exitCode = 1;
  const rounded = Object.entries(line).map(([name, value]) => [
    name,
    typeof value === 'number' ? Number(value.toPrecision(3)) : value,
  ]);
  const text = `${JSON.stringify(Object.fromEntries(rounded))}\n`;
  if (options.json !== undefined) appendFileSync(options.json, text);
  if (options.json === undefined || line['passes'] === false) process.stdout.write(text);
}
