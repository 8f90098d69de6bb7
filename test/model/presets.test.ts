import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  buildModel,
  initialiseModel,
  isPresetName,
  networkFromFile,
  tensorView,
  whyNoPreset,
} from '../../src/model/index.js';

const NAMES = [
  'resnet8',
  'resnet20',
  'resnet26',
  'resnet110',
  'resnet14x2',
  'resnet20x4',
  'resnet8x7',
  'notebook',
  'fast94',
  'resnet20b',
  'resnet14x2b',
  'preresnet20',
  'preresnet14b',
  'wrn-16-2',
];

/** Parameters of the option-A networks: 6n+2 layers; the paper's table 6 gives them rounded to 0.27, 0.46, … 1.7 M. */
const PARAMETER_COUNTS = {
  resnet20: 269_722,
  resnet32: 464_154,
  resnet44: 658_586,
  resnet56: 853_018,
  resnet110: 1_727_962,
  resnet20x4: 4_286_026,
};

describe('buildModel', () => {
  it.each(Object.entries(PARAMETER_COUNTS))('%s has %i parameters', (name, count) => {
    expect(buildModel(name).layout.parameterCount).toBe(count);
  });

  it.each(NAMES)('%s reads only earlier layers and ends in ten logits', (name) => {
    const model = buildModel(name, 0.5);
    model.layers.forEach((layer, index) => {
      expect(layer.input).toBeLessThan(index);
      if (layer.kind === 'add') {
        expect(layer.other).toBeLessThan(index);
        const other = layer.other === -1 ? model.inputShape : model.layers[layer.other]!.outputShape;
        expect(other).toEqual(layer.outputShape);
      }
    });
    expect(model.layers.at(-1)!.outputShape).toEqual({ height: 1, width: 1, channels: 10 });
    expect(new Set(model.layers.map((layer) => layer.name)).size).toBe(model.layers.length);
  });

  it('has the depth that its name says, and 62 convolutions in the notebook variant', () => {
    const depth = (name: 'resnet8' | 'resnet110' | 'notebook'): number =>
      buildModel(name).layers.filter((layer) => layer.kind === 'convolution').length;
    expect(depth('resnet8')).toBe(7);
    expect(depth('resnet110')).toBe(109);
    expect(depth('notebook')).toBe(62);
  });

  it.each([
    // Table 4 of arXiv:1605.07146, in millions.
    ['wrn-40-4', 8.9],
    ['wrn-16-8', 11.0],
    ['wrn-28-10', 36.5],
    ['wrn-40-1', 0.6],
    ['wrn-40-2', 2.2],
  ])('%s has %f million parameters', (name, millions) => {
    expect(buildModel(name).layout.parameterCount / 1e6).toBeCloseTo(millions, 1);
  });

  it('begins the blocks of pre-activation with normalisation, and projects what such a block activates', () => {
    const layers = buildModel('wrn-16-2').layers.map(({ kind, name, input }, _, all) => ({
      ...{ kind, name, from: input < 0 ? 'images' : all[input]!.name },
    }));
    const block = layers.filter(({ name }) => name.startsWith('stack2.block1'));
    expect(
      block.map(({ name, from }) => [name, from].map((each) => each.replace('stack2.block1.', ''))),
    ).toEqual([
      ['norm1', 'stack1.block2.add'],
      ['relu1', 'norm1'],
      ['conv1', 'relu1'],
      ['norm2', 'conv1'],
      ['relu2', 'norm2'],
      ['conv2', 'relu2'],
      ['shortcut', 'relu1'],
      ['add', 'conv2'],
    ]);
    expect(layers.slice(-4).map(({ kind }) => kind)).toEqual([
      ...['batch-normalisation', 'relu', 'global-average-pool', 'dense'],
    ]);
  });

  it('projects by 1x1 convolutions and normalisation with b, where blocks change the shape', () => {
    const projections = buildModel('resnet20b').layers.filter(({ name }) => name.endsWith('.shortcut'));
    expect(projections.map((layer) => [layer.kind, layer.outputShape.channels])).toEqual([
      ['convolution', 32],
      ['convolution', 64],
    ]);
    const extra = 16 * 32 + 32 * 64 + 2 * (32 + 64);
    expect(buildModel('resnet20b').layout.parameterCount).toBe(PARAMETER_COUNTS.resnet20 + extra);
  });

  it.each([
    ['wrn-17-4', /depth of 6n \+ 4.*wrn-16-4 or wrn-22-4/],
    ['wrn-4-4', /wrn-10-4/],
    ['preresnet21', /preresnet20 or preresnet26/],
    ['wrn-16', /one of .*wrn-16-K/],
  ])('refuses %s', (name, message) => {
    expect(whyNoPreset(name)).toMatch(message);
  });

  it('makes fast94 as its example file has it', () => {
    const file = new URL('../../examples/networks/fast94.json', import.meta.url);
    const example = networkFromFile(readFileSync(file, 'utf8'), 'example.json').model;
    const { layers, inputShape, classCount } = buildModel('fast94');
    expect({ layers, inputShape, classCount }).toEqual({
      layers: example.layers,
      inputShape: example.inputShape,
      classCount: example.classCount,
    });
  });

  it.each([
    [64, 96, 3, 'global-average-pool'],
    [28, 28, 1, 'max-pool'],
    [8, 40, 1, 'global-average-pool'],
  ])('makes fast94 for images of %i x %i x %i', (height, width, channels, last) => {
    const purpose = { inputShape: { height, width, channels }, classNames: ['a', 'b', 'c'] };
    const { layers, classCount } = buildModel('fast94', 0.1, purpose);
    expect(classCount).toBe(3);
    expect(layers.at(-4)!.kind).toBe(last);
    expect(layers.at(-3)!.kind).toBe('dropout');
    expect(layers[0]!.outputShape).toEqual({ height, width, channels: 8 * channels });
  });

  it('takes its images and classes from what it is for', () => {
    const purpose = {
      inputShape: { height: 20, width: 12, channels: 1 },
      classNames: ['a', 'b', 'c', 'd', 'e'],
    };
    const model = buildModel('resnet8', 0, purpose);
    expect(model).toMatchObject({ ...purpose, classCount: 5 });
    expect(model.layers.at(-1)!.outputShape).toEqual({ height: 1, width: 1, channels: 5 });
    expect(model.layout.parameters[0]!.shape).toEqual([3, 3, 1, 16]);
    expect(model.layers.find(({ name }) => name === 'stack3.block1.add')!.outputShape).toMatchObject({
      height: 5,
      width: 3,
    });
  });

  it('is as wide as its name says', () => {
    const channels = (name: string): readonly number[] => buildModel(name).layout.parameters[0]!.shape;
    expect(channels('resnet8x7')).toEqual([3, 3, 3, 112]);
    expect(buildModel('resnet20x1').layout).toEqual(buildModel('resnet20').layout);
  });

  it.each([
    ['resnet21', /depth of 6n \+ 2.*resnet20 or resnet26/],
    ['resnet2', /depth of 6n \+ 2.*resnet8$/],
    ['resnet08', /one of resnet8, resnet14/],
    ['resnet20x0', /one of/],
    ['resnet20x', /one of/],
    ['vgg16', /one of/],
    ['', /one of/],
  ])('does not know %s, and says the rule', (name, rule) => {
    expect(isPresetName(name)).toBe(false);
    expect(whyNoPreset(name)).toMatch(rule);
    expect(() => buildModel(name)).toThrow(expect.objectContaining({ code: 'E_MODEL' }) as Error);
  });

  it('refuses a network that is too large, before it is made', () => {
    expect(() => buildModel('resnet20x99999')).toThrow(/E_MODEL|cannot be used/);
    expect(() => buildModel('resnet9998')).toThrow(/layers are more than 5000/);
    expect(() => buildModel('resnet110x32')).toThrow(/parameters up to layer .* is more than 40000000/);
  });

  it('refuses a dropout rate of one', () => {
    expect(() => buildModel('resnet8', 1)).toThrow(/dropout 1 must be/);
  });
});

describe('initialiseModel', () => {
  it('draws Kaiming-normal weights, identity normalisation and zero biases from the seed', () => {
    const model = buildModel('resnet20');
    const state = initialiseModel(model, 1);
    expect(initialiseModel(model, 1)).toEqual(state);
    expect(initialiseModel(model, 2).parameters).not.toEqual(state.parameters);
    for (const layer of model.layers) {
      if (layer.kind === 'convolution' && layer.weight.length > 9000) {
        const values = tensorView(state.parameters, layer.weight);
        const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
        expect(variance * 9 * layer.inputShape.channels).toBeCloseTo(2, 0.8);
      }
      if (layer.kind === 'batch-normalisation') {
        expect(new Set(tensorView(state.parameters, layer.scale))).toEqual(new Set([1]));
        expect(new Set(tensorView(state.parameters, layer.shift))).toEqual(new Set([0]));
        expect(new Set(tensorView(state.statistics, layer.runningMean))).toEqual(new Set([0]));
        expect(new Set(tensorView(state.statistics, layer.runningVariance))).toEqual(new Set([1]));
      }
    }
  });
});
