/**
 * The kinds of layers: which options each has in a description, which output and which tensors follow from them, and how
 * many multiplications it takes. The compiler finds every switch that a new kind is missing from; the files are listed in
 * CONTRIBUTING.md.
 */

import { z } from 'zod';
import { convolvedShape, equalShapes, pooledShape, shapeText, strided, vector } from './geometry.js';
import { checkWhitening, initialSchema, refuseWordsOn, tensor } from './layerTensors.js';
import type { Placement } from './layerTensors.js';
import { NETWORK_LIMITS } from './limits.js';
import type { Layer, TensorSpec } from './layers.js';

const BATCH_NORMALISATION_EPSILON = 1e-5; // PyTorch's BatchNorm2d default

/** Plain: a name becomes part of tensor names in files, and is printed. */
export const layerNameSchema = z
  .string()
  .regex(
    /^[A-Za-z][\w.-]{0,59}$/,
    'must be 1 to 60 letters, digits, dots, hyphens or underscores, a letter first',
  );

const channels = z.int().min(1).max(NETWORK_LIMITS.channels);
const stride = z.union([z.literal(1), z.literal(2)], { error: 'must be 1 or 2' });
const common = {
  name: layerNameSchema,
  /** Name of the layer that feeds it, or `images`; left out: the layer before it in the list. */
  input: layerNameSchema.optional(),
};

/** Of a layer with these tensors: which are never trained, and how they start. */
const tensorOptions = <const Name extends string>(...names: readonly [Name, ...Name[]]) => ({
  frozen: z.array(z.enum(names)).max(names.length).optional(),
  initial: z.partialRecord(z.enum(names), initialSchema).optional(),
});

/** A window of a pool; left out, windows lie side by side. */
const window = {
  size: z.int().min(1).max(NETWORK_LIMITS.window),
  stride: z.int().min(1).max(NETWORK_LIMITS.window).optional(),
};

/** One layer of a description. Options that are left out, and have no default here, keep the list as short as it was. */
export const layerEntrySchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('convolution'),
    ...common,
    channels,
    kernelSize: z
      .union([z.literal(1), z.literal(2), z.literal(3)], { error: 'must be 1, 2 or 3' })
      .default(3),
    stride: stride.default(1),
    padding: z.enum(['same', 'valid']).optional(),
    bias: z.boolean().optional(),
    ...tensorOptions('weight', 'bias'),
  }),
  z.strictObject({
    kind: z.literal('batch-normalisation'),
    ...common,
    epsilon: z.number().min(1e-12).max(1).default(BATCH_NORMALISATION_EPSILON),
    momentum: z.number().gt(0).max(1).optional(),
    ...tensorOptions('scale', 'shift'),
  }),
  z.strictObject({ kind: z.literal('relu'), ...common }),
  z.strictObject({ kind: z.literal('gelu'), ...common }),
  z.strictObject({ kind: z.literal('silu'), ...common }),
  z.strictObject({ kind: z.literal('celu'), ...common, alpha: z.number().min(1e-3).max(1e3).default(1) }),
  z.strictObject({ kind: z.literal('max-pool'), ...common, ...window }),
  z.strictObject({ kind: z.literal('average-pool'), ...common, ...window }),
  z.strictObject({ kind: z.literal('scale'), ...common, factor: z.number() }),
  z.strictObject({ kind: z.literal('shortcut'), ...common, channels, stride: stride.default(1) }),
  z.strictObject({ kind: z.literal('add'), ...common, other: layerNameSchema }),
  z.strictObject({ kind: z.literal('global-average-pool'), ...common }),
  z.strictObject({ kind: z.literal('dropout'), ...common, rate: z.number().min(0).lt(1) }),
  z.strictObject({
    kind: z.literal('dense'),
    ...common,
    channels,
    bias: z.boolean().optional(),
    ...tensorOptions('weight', 'bias'),
  }),
]);

export const LAYER_KINDS: readonly Layer['kind'][] = layerEntrySchema.options.map(
  ({ shape }) => shape.kind.value,
);

/** As it is written: what has a default may be left out. */
export type LayerEntry = Readonly<z.input<typeof layerEntrySchema>>;
/** As it is kept: nothing is left out. */
export type LayerDescription = Readonly<z.output<typeof layerEntrySchema> & { readonly input: string }>;

/** The layer of a description in its place: its output's shape and its tensors. */
export function placeLayer(layer: LayerDescription, placement: Placement): Layer {
  const { name, input, inputShape, layout, refuse } = placement;
  const base = { name, input, inputShape };
  switch (layer.kind) {
    case 'convolution': {
      const { kind, kernelSize, stride, channels, padding } = layer;
      const window = { kernelSize, stride, ...(padding && { padding }) };
      const outputShape = convolvedShape(inputShape, channels, window);
      if (outputShape.height === 0 || outputShape.width === 0) {
        return refuse(
          `its kernel of ${kernelSize}x${kernelSize} does not fit into ${shapeText(inputShape)}; use padding "same"`,
        );
      }
      const shape = [kernelSize, kernelSize, inputShape.channels, channels];
      const weight = tensor(layer, 'weight', shape, placement);
      if (weight.initial?.kind === 'whitening') checkWhitening(shape, placement);
      const bias = layer.bias === true && { bias: tensor(layer, 'bias', [channels], placement) };
      refuseWordsOn('bias', layer.bias === true, layer, placement);
      return { kind, ...base, outputShape, ...window, weight, ...bias };
    }
    case 'batch-normalisation': {
      const shape = [inputShape.channels];
      return {
        kind: layer.kind,
        ...base,
        outputShape: inputShape,
        epsilon: layer.epsilon,
        ...(layer.momentum !== undefined && { momentum: layer.momentum }),
        scale: tensor(layer, 'scale', shape, placement),
        shift: tensor(layer, 'shift', shape, placement),
        runningMean: layout.statistic(`${name}.runningMean`, shape),
        runningVariance: layout.statistic(`${name}.runningVariance`, shape),
      };
    }
    case 'gelu':
    case 'silu':
    case 'relu':
      return { kind: layer.kind, ...base, outputShape: inputShape };
    case 'celu':
      return { kind: layer.kind, ...base, outputShape: inputShape, alpha: layer.alpha };
    case 'scale':
      return { kind: layer.kind, ...base, outputShape: inputShape, factor: layer.factor };
    case 'max-pool':
    case 'average-pool': {
      const { kind, size, stride = size } = layer;
      const outputShape = pooledShape(inputShape, { size, stride });
      if (outputShape.height === 0 || outputShape.width === 0) {
        return refuse(
          `its window of ${size}x${size} does not fit into ${shapeText(inputShape)}; make it smaller`,
        );
      }
      return { kind, ...base, outputShape, size, stride };
    }
    case 'shortcut': {
      if (layer.channels < inputShape.channels) {
        return refuse(
          `channels ${layer.channels} must be at least the ${inputShape.channels} of its input; a shortcut only adds channels`,
        );
      }
      const outputShape = strided(inputShape, layer.channels, layer.stride);
      return { kind: layer.kind, ...base, outputShape, stride: layer.stride };
    }
    case 'add': {
      const { index: other, shape } = placement.inputNamed(layer.other);
      if (!equalShapes(inputShape, shape)) {
        return refuse(
          `it adds ${shapeText(inputShape)} and ${shapeText(shape)}, which must be equal; put a shortcut layer before one of them`,
        );
      }
      return { kind: layer.kind, ...base, outputShape: inputShape, other };
    }
    case 'global-average-pool':
      return { kind: layer.kind, ...base, outputShape: vector(inputShape.channels) };
    case 'dropout':
      return { kind: layer.kind, ...base, outputShape: inputShape, rate: layer.rate };
    case 'dense': {
      if (inputShape.height !== 1 || inputShape.width !== 1) {
        return refuse(
          `its input is ${shapeText(inputShape)} and must be 1x1 pixels; put a global-average-pool layer before it`,
        );
      }
      const weight = tensor(layer, 'weight', [inputShape.channels, layer.channels], placement);
      const bias = layer.bias !== false && { bias: tensor(layer, 'bias', [layer.channels], placement) };
      refuseWordsOn('bias', layer.bias !== false, layer, placement);
      return { kind: layer.kind, ...base, outputShape: vector(layer.channels), weight, ...bias };
    }
  }
}

/**
 * Of one image's forward pass, in convolutions and dense layers: what a matrix unit would do. Each weight takes part once in
 * each output pixel; a dense layer has one.
 */
export function multiplicationsOf(layer: Layer): number {
  if (!('weight' in layer)) return 0;
  return layer.outputShape.height * layer.outputShape.width * layer.weight.length;
}

/** Parameters of a layer; its running statistics are none. */
export function parametersOf(layer: Layer): number {
  return parametersIn(layer).reduce((sum, { length }) => sum + length, 0);
}

function parametersIn(layer: Layer): readonly TensorSpec[] {
  switch (layer.kind) {
    case 'convolution':
    case 'dense':
      return layer.bias ? [layer.weight, layer.bias] : [layer.weight];
    case 'batch-normalisation':
      return [layer.scale, layer.shift];
    case 'relu':
    case 'gelu':
    case 'silu':
    case 'celu':
    case 'max-pool':
    case 'average-pool':
    case 'scale':
    case 'shortcut':
    case 'add':
    case 'global-average-pool':
    case 'dropout':
      return [];
  }
}
