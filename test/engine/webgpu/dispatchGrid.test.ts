/** Kernels with more workgroups than a dispatch may have in one dimension; no device is needed. */

import { runInThisContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { locateDawn, openAdapter } from '../../../src/engine/webgpu/dawn/dawn.js';
import { dispatchGrid, MOST_WORKGROUPS } from '../../../src/engine/webgpu/kernels/grid.js';
import type { Grid, Workgroups } from '../../../src/engine/webgpu/kernels/grid.js';
import { allocate, KernelSource } from '../../../src/engine/webgpu/kernels/kernelSource.js';
import type { Dispatch } from '../../../src/engine/webgpu/kernels/kernelSource.js';
import { SUBGROUP_MATRICES } from '../../../src/engine/webgpu/kernels/matrixOperations.js';
import { DeviceLayout } from '../../../src/engine/webgpu/plan/deviceLayout.js';
import { planPass } from '../../../src/engine/webgpu/plan/devicePlan.js';
import { buildModel } from '../../../src/model/index.js';
import type { ActivationShape, Model } from '../../../src/model/index.js';
import { thrownBy } from '../../support/errors.js';
import { TinyModelBuilder } from '../../support/tinyModels.js';
import { expectToKeepTheRules } from './planRules.js';

type Place = readonly [bigint, bigint, bigint];

/** The statements that define `group`, as JavaScript. Whole numbers of any size divide as WGSL's do. */
function groupOf({ prologue }: Grid): (grid: { x: bigint; y: bigint }) => Place | undefined {
  const script = prologue
    .join('\n')
    .replaceAll('vec3u(', 'Array.of(')
    .replaceAll(/(\d)u\b/g, '$1n');
  return runInThisContext(`(grid) => {${script}\nreturn group; }`) as ReturnType<typeof groupOf>;
}

describe('the grid of a kernel', () => {
  it('is what the kernel requests, within the limit', () => {
    const requested: Workgroups = [MOST_WORKGROUPS, MOST_WORKGROUPS, MOST_WORKGROUPS];
    const { workgroups, prologue } = dispatchGrid('any', requested);
    expect(workgroups).toBe(requested);
    expect(prologue).toEqual([]);
  });

  it.each<[Workgroups]>([
    [[65_536, 1, 1]],
    [[82_944, 1, 1]],
    [[3, 65_537, 1]],
    [[2, 1, 65_536]],
    [[1, 70_001, 3]],
  ])('has each of the workgroups %j once', (requested) => {
    const grid = dispatchGrid('any', requested);
    const [width, height, depth] = grid.workgroups;
    const total = requested.reduce((product, count) => product * count);
    for (const count of grid.workgroups) expect(count).toBeLessThanOrEqual(MOST_WORKGROUPS);
    expect(width * height * depth - total).toBeLessThan(height);
    const run = groupOf(grid);
    const seen = new Set<bigint>();
    const [across, down, deep] = requested.map(BigInt) as unknown as Place;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const group = run({ x: BigInt(x), y: BigInt(y) });
        if (group === undefined) continue;
        if (group[0] >= across || group[1] >= down || group[2] >= deep) throw new Error(group.join());
        seen.add((group[2] * down + group[1]) * across + group[0]);
      }
    }
    expect(seen.size).toBe(total);
  });

  it('is refused if no device has so many workgroups, by the kernel’s name', () => {
    const { message } = thrownBy('E_ENGINE_FAILED', () => dispatchGrid('a large one', [2 ** 16, 2 ** 16, 1]));
    expect(message).toContain('kernel "a large one" needs 4294967296 workgroups');
    for (const count of [0, 1.5, NaN]) {
      const { message: bug } = thrownBy('E_INTERNAL', () => dispatchGrid('a wrong one', [count, 1, 1]));
      expect(bug).toContain(`kernel "a wrong one" has ${count} workgroups`);
    }
  });
});

const dawnUrl = locateDawn();

it.skipIf(dawnUrl === undefined)('Dawn accepts barriers in a kernel that is spread', async () => {
  const device = await (await openAdapter(dawnUrl!, { backend: 'null', name: '' }))!.requestDevice();
  const kernel = new KernelSource();
  kernel.workgroupArray('shared_', 2, 'u32');
  const to = kernel.bind(allocate('result', 70_000), 'u32', 'read_write');
  const { code } = kernel.build({
    label: 'spread',
    threads: 2,
    workgroups: [70_000, 1, 1],
    main: `shared_[thread] = thread;\nworkgroupBarrier();\n${to}[group.x] = shared_[1u - thread];`,
  });
  const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
  expect(messages.map(({ message }) => message)).toEqual([]);
  device.destroy();
});

const model = (shape: ActivationShape, build: (builder: TinyModelBuilder) => void): Model => {
  const builder = new TinyModelBuilder(shape);
  build(builder);
  builder.globalAveragePool();
  builder.dense();
  return builder.build();
};

const PIXEL: ActivationShape = { height: 1, width: 1, channels: 4 };
/** The most that a run may have. */
const LARGEST_MICRO_BATCH = 4096;
const MOST_CHANNELS = 16_384;

/** Models with a kernel of too many workgroups, its label, and the micro-batch. */
const LARGE: [string, () => Model, number, RegExp][] = [
  ['resnet20x12', () => buildModel('resnet20x12'), 32, /^sum of filter gradients 768x768/],
  ['wrn-16-12', () => buildModel('wrn-16-12'), 32, /^sum of filter gradients 768x768/],
  [
    'a convolution whose channels do not divide into blocks',
    () =>
      model(PIXEL, (builder) => {
        builder.convolution(1052, 1, undefined, { kernelSize: 1 });
        builder.convolution(1052);
      }),
    1,
    /^convolution filter gradient 1x1x1052 1x1x1052/,
  ],
  [
    'a pool of many channels',
    () => model(PIXEL, (builder) => builder.convolution(MOST_CHANNELS, 1, undefined, { kernelSize: 1 })),
    LARGEST_MICRO_BATCH,
    /^global average pool/,
  ],
  [
    'dense layers of many channels',
    () =>
      model(PIXEL, (builder) => {
        builder.globalAveragePool();
        builder.dense(MOST_CHANNELS);
      }),
    LARGEST_MICRO_BATCH,
    /^dense( input gradient)?$/,
  ],
];

const isSpread = ({ code }: Dispatch): boolean => code.includes('grid: vec3u');

describe('a large kernel is within the limits', () => {
  it.each(LARGE)('%s', (_, build, imageCount, label) => {
    const large = build();
    const layout = new DeviceLayout(large);
    for (const kind of ['training', 'running'] as const) {
      const { dispatches } = planPass({ model: large, layout, kind, imageCount, bindingLimit: 8 });
      for (const dispatch of dispatches) expectToKeepTheRules(dispatch, 8);
      const labels = dispatches.filter(isSpread).map((dispatch) => dispatch.label);
      if (kind === 'training') expect(labels).toContainEqual(expect.stringMatching(label));
    }
  });

  it('of half precision', () => {
    const channels = 16 * 257; // a prime number of products
    const large = model({ height: 2, width: 8, channels: 4 }, (builder) => {
      builder.convolution(channels, 1, undefined, { kernelSize: 1 });
      builder.convolution(channels, 1, undefined, { kernelSize: 1 });
    });
    const matrices = { operations: SUBGROUP_MATRICES, limits: { vectors: 3072, threads: 1024 } };
    const layout = new DeviceLayout(large);
    const { dispatches } = planPass({
      ...{ model: large, layout, kind: 'training', imageCount: 1, bindingLimit: 10, matrices },
    });
    for (const { workgroups, label } of dispatches) {
      expect(Math.max(...workgroups), label).toBeLessThanOrEqual(MOST_WORKGROUPS);
    }
    const labels = dispatches.filter(isSpread).map((dispatch) => dispatch.label);
    expect(labels).toContainEqual(expect.stringMatching(/^convolution filter gradient f16 /));
  });
});
