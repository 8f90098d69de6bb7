/** Dawn's null backend accepts the WGSL of the half-precision kernels. It computes nothing, so no GPU is needed. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { locateDawn } from '../../../src/engine/webgpu/dawn/dawn.js';
import { matrixFeatures } from '../../../src/engine/webgpu/dawn/matrixFeatures.js';
import {
  SUBGROUP_MATRICES,
  SUBGROUP_MATRICES_OF_SCALARS,
} from '../../../src/engine/webgpu/kernels/matrixOperations.js';
import type { MatrixOperations } from '../../../src/engine/webgpu/kernels/matrixOperations.js';
import { DeviceLayout } from '../../../src/engine/webgpu/plan/deviceLayout.js';
import { planPass } from '../../../src/engine/webgpu/plan/devicePlan.js';
import type { DevicePlan } from '../../../src/engine/webgpu/plan/devicePlan.js';
import { buildModel } from '../../../src/model/index.js';

const LIMITS = { vectors: 3072, threads: 1024 };
const FEATURES = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'];
const SIXTEENTHS = { componentType: 'f16', resultComponentType: 'f32', M: 16, K: 16 };

function planOf(name: string, imageCount: number, operations?: MatrixOperations): DevicePlan {
  const model = buildModel(name);
  const matrices = operations && { operations, limits: LIMITS };
  const layout = new DeviceLayout(model);
  return planPass({ model, layout, kind: 'training', imageCount, bindingLimit: 10, matrices });
}

interface Dawn {
  create(flags: readonly string[]): GPU;
}

const dawnUrl = locateDawn();

describe.skipIf(dawnUrl === undefined)('WGSL of half precision', () => {
  let gpu: GPU;
  let device: GPUDevice;

  beforeAll(async () => {
    const dawn = (await import(dawnUrl!)) as Dawn;
    gpu = dawn.create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);
    const adapter = (await gpu.requestAdapter())!;
    device = await adapter.requestDevice({ requiredFeatures: FEATURES as GPUFeatureName[] });
  });

  afterAll(() => device.destroy());

  it.each([
    ['vectors', SUBGROUP_MATRICES],
    ['numbers', SUBGROUP_MATRICES_OF_SCALARS],
  ])('is well-formed with arrays of %s', async (_, operations) => {
    const codes = new Map(
      (['resnet20', 'resnet20x4'] as const)
        .flatMap((name) => planOf(name, 7, operations).dispatches)
        .map(({ code, label }) => [code, label]),
    );
    expect([...codes.values()].filter((label) => label.includes('f16')).length).toBeGreaterThan(20);
    for (const [code, label] of codes) {
      const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
      expect(
        messages.map(({ message }) => message),
        label,
      ).toEqual([]);
    }
  });
});

describe('a plan of half precision', () => {
  it('has matrix products in all convolutions but those of the images', () => {
    const labels = (name: string, operations?: MatrixOperations): string[] =>
      planOf(name, 128, operations)
        .dispatches.map(({ label }) => label)
        .filter((label) => label.startsWith('convolution'));
    const [half, single] = [labels('resnet20x4', SUBGROUP_MATRICES), labels('resnet20x4')];
    expect(half).toHaveLength(single.length);
    expect(half.filter((label) => !label.includes(' f16 '))).toEqual([
      'convolution 32x32x3 32x32x64',
      'convolution filter gradient 32x32x3 32x32x64',
    ]);
  });

  it('keeps a device’s limits of threads and workgroup memory', () => {
    const bytesOf: Record<string, number> = { f32: 4, vec4f: 16, 'vec4<f16>': 8 };
    for (const imageCount of [1, 32, 512]) {
      for (const { label, code } of planOf('resnet20x4', imageCount, SUBGROUP_MATRICES).dispatches) {
        const arrays = [...code.matchAll(/var<workgroup> \w+: array<(\S+), (\d+)>/g)];
        const bytes = arrays.reduce((sum, [, type, length]) => sum + bytesOf[type!]! * Number(length), 0);
        expect(bytes, label).toBeLessThanOrEqual(LIMITS.vectors * 16);
        const threads = Number(/@workgroup_size\((\d+)\)/.exec(code)?.[1]);
        expect(threads, label).toBeLessThanOrEqual(LIMITS.threads);
        if (code.includes('subgroupMatrix')) expect(threads % 32, label).toBe(0);
      }
    }
  });
});

describe('what half precision asks of a device', () => {
  const adapter = (features: readonly string[], columns: readonly number[], subgroup = 32): GPUAdapter =>
    ({
      features: new Set(features),
      info: {
        subgroupMinSize: subgroup,
        subgroupMaxSize: subgroup,
        subgroupMatrixConfigs: columns.map((N) => ({ ...SIXTEENTHS, N })),
      },
    }) as unknown as GPUAdapter;

  it('is features, which are named', () => {
    expect(matrixFeatures(adapter(FEATURES, [16, 8]))).toEqual(FEATURES);
  });

  it.each([
    ['a feature', adapter(FEATURES.slice(1), [16, 8]), 'shader-f16'],
    ['products of the size', adapter(FEATURES, [16]), '16x8'],
    ['subgroups of the size', adapter(FEATURES, [16, 8], 64), 'subgroups of 32'],
  ])('is missed with a remedy: %s', (_, lacking, named) => {
    expect(() => matrixFeatures(lacking)).toThrow(
      expect.objectContaining({
        code: 'E_ENGINE_UNAVAILABLE',
        message: expect.stringMatching(new RegExp(`${named}.*use precision f32`)) as string,
      }),
    );
  });
});
