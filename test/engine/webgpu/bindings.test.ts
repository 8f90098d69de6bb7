/** What a kernel binds: as many buffers as the device allows, and nothing beyond their ends; no device is needed. */

import { describe, expect, it } from 'vitest';
import { allocate, bindingsOf } from '../../../src/engine/webgpu/kernels/kernelSource.js';
import type { Binding, Dispatch, Range, Reading } from '../../../src/engine/webgpu/kernels/kernelSource.js';
import { DeviceLayout } from '../../../src/engine/webgpu/plan/deviceLayout.js';
import { planPass } from '../../../src/engine/webgpu/plan/devicePlan.js';
import type { DevicePlan } from '../../../src/engine/webgpu/plan/devicePlan.js';
import { buildModel } from '../../../src/model/index.js';
import type { Model } from '../../../src/model/index.js';
import { thrownBy } from '../../support/errors.js';
import { TINY_MODELS, TinyModelBuilder } from '../../support/tinyModels.js';
import { MANY_READERS } from './manyReaders.js';
import { expectToKeepTheRules } from './planRules.js';

const plan = (model: Model, imageCount: number, bindingLimit: number): DevicePlan =>
  planPass({ model, layout: new DeviceLayout(model), kind: 'training', imageCount, bindingLimit });

describe.each([8, 9, 10, 16])('on a device with %i bindings', (bindingLimit) => {
  it.each(Object.entries(MANY_READERS))('a plan has no more: %s', (_, model) => {
    for (const dispatch of plan(model, 3, bindingLimit).dispatches)
      expectToKeepTheRules(dispatch, bindingLimit);
  });
});

describe('a sum of many terms', () => {
  const gradients = (dispatches: readonly Dispatch[]): number =>
    dispatches.filter(({ label }) => label.startsWith('gradient ')).length;

  it('takes one kernel more where it does not fit, and none where it does', () => {
    const model = MANY_READERS['one value read by 8 convolutions']!;
    expect(gradients(plan(model, 3, 10).dispatches)).toBe(gradients(plan(model, 3, 16).dispatches) + 1);
  });
});

it('a plan above the limit is refused, by the kernel’s name', () => {
  const { message } = thrownBy('E_INTERNAL', () => plan(TINY_MODELS['a residual network']!, 3, 4));
  expect(message).toMatch(/kernel "batch-norm statistics 4" binds 5 buffers, above 4/);
});

it('a buffer that several readings share counts once', () => {
  const [one, other] = [allocate('one', 64), allocate('other', 64)];
  const reading =
    (range: Range): Reading =>
    (kernel) =>
      `return vec4f(${kernel.bind(range, 'f32')}[quad]);`;
  expect(bindingsOf([reading(one), reading(one), reading(other)])).toBe(2);
});

describe('values in the host’s form', () => {
  /** Channels that do not fill quads, in the images and in what is dropped out. */
  function odd(channels: number): Model {
    const builder = new TinyModelBuilder({ height: 8, width: 8, channels });
    builder.convolution(channels);
    builder.relu();
    builder.dropout(0.5);
    builder.globalAveragePool();
    builder.dense();
    return builder.build();
  }

  const bindingsAt = ({ dispatches, input }: DevicePlan, offset: number): Binding[] =>
    dispatches
      .flatMap(({ bindings }) => bindings)
      .filter(({ range }) => range.storage === input.whole.storage && range.offset === offset);

  // The whole input then has not one element more than its parts.
  const IMAGES = 64;

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('are bound up to the end of the last quad: %i channels', (channels) => {
    const whole = plan(odd(channels), IMAGES, 10);
    const { source, masks } = whole.input;
    const images = source.kind === 'images' ? [source.images] : [];
    const packed = [...images, ...[...masks.values()].map(({ range }) => range)];
    expect(packed).toHaveLength(2);
    for (const { offset, length } of packed) {
      expect(length).toBe(IMAGES * 64 * channels);
      const bound = bindingsAt(whole, offset);
      expect(bound.length).toBeGreaterThan(0);
      const quads = Math.ceil(channels / 4);
      const lastLoaded = (IMAGES * 64 - 1) * channels + quads * 4 - 1;
      for (const { range } of bound) expect(range.length).toBeGreaterThan(lastLoaded);
    }
  });

  it('no binding goes beyond its buffer, or into the next part of the upload', () => {
    const models = [odd(3), odd(5), buildModel('resnet8'), TINY_MODELS['dense alone']!];
    for (const whole of models.map((model) => plan(model, IMAGES, 10))) {
      const starts = [...new Set(whole.dispatches.flatMap(({ bindings }) => startsIn(bindings, whole)))];
      for (const { range } of whole.dispatches.flatMap(({ bindings }) => bindings)) {
        const end = range.offset + range.length;
        expect(end, range.storage.name).toBeLessThanOrEqual(range.storage.length);
        if (range.storage !== whole.input.whole.storage) continue;
        expect(starts.filter((start) => start > range.offset && start < end)).toEqual([]);
      }
    }
  });

  const startsIn = (bindings: readonly Binding[], { input }: DevicePlan): number[] =>
    bindings.filter(({ range }) => range.storage === input.whole.storage).map(({ range }) => range.offset);
});
