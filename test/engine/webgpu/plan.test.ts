/** Plans keep WebGPU's rules, which every device has, whatever the model and the micro-batch; no device is needed. */

import { describe, expect, it } from 'vitest';
import type { Storage } from '../../../src/engine/webgpu/kernels/kernelSource.js';
import { DeviceLayout } from '../../../src/engine/webgpu/plan/deviceLayout.js';
import { planPass } from '../../../src/engine/webgpu/plan/devicePlan.js';
import type { DevicePlan } from '../../../src/engine/webgpu/plan/devicePlan.js';
import type { PassKind } from '../../../src/engine/webgpu/plan/forward.js';
import { assignBuffers } from '../../../src/engine/webgpu/plan/memory.js';
import { buildModel } from '../../../src/model/index.js';
import type { Model } from '../../../src/model/index.js';
import { hashedValues } from '../../support/numbers.js';
import { fast94 } from '../../support/modernNetworks.js';
import {
  CONVOLUTION_KINDS,
  MODERN_LAYERS,
  ODD_LISTS,
  ODD_SIDES,
  TINY_MODELS,
} from '../../support/tinyModels.js';
import { expectToKeepTheRules } from './planRules.js';

function plan(model: Model, kind: PassKind, imageCount: number, bindingLimit = 10): DevicePlan {
  return planPass({ model, layout: new DeviceLayout(model), kind, imageCount, bindingLimit });
}

const planFromPixels = (model: Model, kind: PassKind, imageCount: number): DevicePlan =>
  planPass({
    ...{ model, layout: new DeviceLayout(model), kind, imageCount, bindingLimit: 10 },
    inputKind: 'pixels',
  });

describe.each([10, 8])('a plan of at most %i bindings', (bindingLimit) => {
  const models: [string, Model][] = [
    ...Object.entries({ ...TINY_MODELS, ...ODD_SIDES, ...ODD_LISTS, ...MODERN_LAYERS, ...CONVOLUTION_KINDS }),
    ['fast94', fast94([64, 256, 256], 'same')],
    ...(['resnet20', 'notebook'] as const).map((name): [string, Model] => [name, buildModel(name, 0.1)]),
  ];
  it.each(models)('keeps the rules of WebGPU: %s', (_, model) => {
    for (const imageCount of [1, 32, 512]) {
      for (const kind of ['training', 'batch', 'running'] as const) {
        for (const dispatch of plan(model, kind, imageCount, bindingLimit).dispatches) {
          expectToKeepTheRules(dispatch, bindingLimit);
        }
      }
    }
  });
});

describe('a plan', () => {
  it('from pixels keeps the rules too, with one kernel more and a quarter of the bytes to carry', () => {
    const model = buildModel('resnet20');
    for (const kind of ['training', 'running'] as const) {
      const [fromPixels, fromImages] = [planFromPixels(model, kind, 512), plan(model, kind, 512)];
      for (const dispatch of fromPixels.dispatches) expectToKeepTheRules(dispatch, 10);
      expect(fromPixels.dispatches).toHaveLength(fromImages.dispatches.length + 1);
      expect(fromPixels.input.whole.length / fromImages.input.whole.length).toBeLessThan(0.26);
    }
  });

  it.each([
    ['resnet20', 19],
    ['resnet32', 31],
  ] as const)('of %s takes few kernels', (name: string, convolutions) => {
    const model = buildModel(name);
    const { dispatches } = plan(model, 'training', 128);
    const sums = (convolutions - 1) / 2 + 1; // stem and blocks: normalise, add, ReLU
    // Forward: convolution and statistics; backward: gradient sums, filter gradient in two, input gradient but for the
    // stem's. The head: pool, dense, loss, two dense gradients, and the gradient before the pool.
    const expected = 2 * convolutions + sums + 4 * convolutions - 1 + 6;
    expect(dispatches).toHaveLength(expected);
    expect(plan(model, 'running', 128).dispatches).toHaveLength(convolutions + sums + 2);
  });

  it('compiles few kernels: what differs in place alone shares its text', () => {
    const texts = (name: string): number =>
      new Set(plan(buildModel(name), 'training', 128).dispatches.map(({ code }) => code)).size;
    expect(texts('resnet110')).toBe(texts('resnet32'));
    expect(texts('resnet32')).toBeLessThan(60);
  });

  it('never has two living values in one buffer', () => {
    for (const model of [buildModel('resnet20'), TINY_MODELS['a residual network']!]) {
      const whole = plan(model, 'training', 4);
      const { bufferOf, lengths } = assignBuffers(whole, new Set());
      const owners = new Map<number, Storage>();
      const last = new Map<Storage, number>();
      whole.dispatches.forEach(({ bindings }, index) => {
        for (const { range } of bindings) last.set(range.storage, index);
      });
      for (const { storage } of [whole.input.whole, ...whole.outputs]) last.set(storage, Infinity);
      whole.dispatches.forEach(({ bindings }, index) => {
        for (const { range } of bindings) {
          const buffer = bufferOf.get(range.storage)!;
          expect(lengths[buffer]).toBe(range.storage.length);
          const owner = owners.get(buffer);
          if (owner !== undefined && owner !== range.storage) expect(last.get(owner)).toBeLessThan(index);
          owners.set(buffer, range.storage);
        }
      });
      expect(lengths.length).toBeLessThan(bufferOf.size);
    }
  });
});

describe('the layout on the device', () => {
  it('pads filters with zeros, and brings a gradient back as it was', () => {
    const model = TINY_MODELS['a residual network']!;
    const layout = new DeviceLayout(model);
    const values = hashedValues(model.layout.parameterCount, 3);
    const packed = layout.packParameters(values);
    const total = (vector: Float32Array): number => vector.reduce((sum, value) => sum + Math.abs(value), 0);
    expect(total(packed)).toBeCloseTo(total(values), 3);
    const { gradientSum } = layout.unpack(packed, new Float32Array(layout.channelsLength));
    for (const layer of model.layers) {
      if (layer.kind !== 'convolution' && layer.kind !== 'dense') continue;
      const { offset, length } = layer.weight;
      expect(gradientSum.subarray(offset, offset + length)).toEqual(values.subarray(offset, offset + length));
    }
  });
});
