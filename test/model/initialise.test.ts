import { describe, expect, it } from 'vitest';
import { initialiseModel, tensorView } from '../../src/model/index.js';
import type { ConvolutionLayer, Initialisation, Model, TensorSpec } from '../../src/model/index.js';
import { LayoutBuilder } from '../../src/model/layout.js';

/** One convolution, alone. */
function convolution(
  kernelSize: ConvolutionLayer['kernelSize'],
  inputs: number,
  outputs: number,
  initial: Initialisation,
  biasInitial?: Initialisation,
): { model: Model; weight: TensorSpec; bias: TensorSpec } {
  const layout = new LayoutBuilder();
  const weight = layout.parameter('c.weight', [kernelSize, kernelSize, inputs, outputs], { initial });
  const bias = layout.parameter('c.bias', [outputs], biasInitial && { initial: biasInitial });
  const inputShape = { height: 4, width: 4, channels: inputs };
  const layer: ConvolutionLayer = {
    ...{ kind: 'convolution', name: 'c', input: -1, kernelSize, stride: 1, weight, bias },
    ...{ inputShape, outputShape: { ...inputShape, channels: outputs } },
  };
  const model = { inputShape, classCount: 2, layers: [layer], layout: layout.build() };
  return { model: model as unknown as Model, weight, bias };
}

describe('initialisation by the list', () => {
  it.each([
    [3, 2, 5],
    [2, 3, 4],
    [3, 6, 4],
  ] as const)(
    'dirac: %ix%i kernels pass channels on, and the rest is PyTorch-uniform',
    (kernelSize, inputs, outputs) => {
      const { model, weight } = convolution(kernelSize, inputs, outputs, { kind: 'dirac' });
      const values = tensorView(initialiseModel(model, 1).parameters, weight);
      const bound = Math.sqrt(1 / (kernelSize ** 2 * inputs));
      const middle = Math.floor(kernelSize / 2);
      values.forEach((value, index) => {
        const filter = index % outputs;
        const input = Math.floor(index / outputs) % inputs;
        const tap = Math.floor(index / outputs / inputs);
        if (filter >= inputs) return expect(Math.abs(value)).toBeLessThanOrEqual(bound);
        expect(value).toBe(input === filter && tap === middle * kernelSize + middle ? 1 : 0);
      });
      const rest = [...values].filter((_, index) => index % outputs >= inputs);
      expect(new Set(rest).size).toBe(rest.length);
    },
  );

  it('zero, given values, and the default of a bias', () => {
    const values = [1, 2, 3, 4, 5, 6];
    const given = convolution(1, 2, 3, { kind: 'values', values }, { kind: 'values', values: [7, 8, 9] });
    const state = initialiseModel(given.model, 1).parameters;
    expect([...tensorView(state, given.weight)]).toEqual(values);
    expect([...tensorView(state, given.bias)]).toEqual([7, 8, 9]);
    const zero = convolution(1, 2, 3, { kind: 'zero' });
    expect(initialiseModel(zero.model, 1).parameters.every((value) => value === 0)).toBe(true);
  });

  it('kaiming is what a tensor without a word of its own gets', () => {
    const named = convolution(3, 4, 4, { kind: 'kaiming' });
    const { initial: _, ...weight } = named.weight;
    const layer = { ...named.model.layers[0]!, weight } as ConvolutionLayer;
    const unnamed = { ...named.model, layers: [layer] };
    expect(initialiseModel(named.model, 3)).toEqual(initialiseModel(unnamed, 3));
  });
});
