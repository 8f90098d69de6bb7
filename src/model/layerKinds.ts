/**
 * The kinds of layers: which options each has in a description, which output and which tensors follow from them, and how
 * many multiplications it takes. The compiler finds every switch that a new kind is missing from; the files are listed in
 * docs/networks.md.
 */

import { z } from 'zod';
import { NETWORK_LIMITS } from './limits.js';
import type { ActivationShape, Layer } from './layers.js';
import type { LayoutBuilder } from './layout.js';

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

/** One layer of a description. */
export const layerEntrySchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('convolution'),
    ...common,
    channels,
    kernelSize: z.literal(3, { error: 'must be 3' }).default(3),
    stride: stride.default(1),
  }),
  z.strictObject({
    kind: z.literal('batch-normalisation'),
    ...common,
    epsilon: z.number().min(1e-12).max(1).default(BATCH_NORMALISATION_EPSILON),
  }),
  z.strictObject({ kind: z.literal('relu'), ...common }),
  z.strictObject({ kind: z.literal('shortcut'), ...common, channels, stride: stride.default(1) }),
  z.strictObject({ kind: z.literal('add'), ...common, other: layerNameSchema }),
  z.strictObject({ kind: z.literal('global-average-pool'), ...common }),
  z.strictObject({ kind: z.literal('dropout'), ...common, rate: z.number().min(0).lt(1) }),
  z.strictObject({ kind: z.literal('dense'), ...common, channels }),
]);

export const LAYER_KINDS: readonly Layer['kind'][] = layerEntrySchema.options.map(
  ({ shape }) => shape.kind.value,
);

/** As it is written: what has a default may be left out. */
export type LayerEntry = Readonly<z.input<typeof layerEntrySchema>>;
/** As it is kept: nothing is left out. */
export type LayerDescription = Readonly<z.output<typeof layerEntrySchema> & { readonly input: string }>;

/** What is known of a layer before its own options count. */
export interface Placement {
  readonly name: string;
  readonly input: number;
  readonly inputShape: ActivationShape;
  /** Finds another input by name. */
  readonly inputNamed: (name: string) => { readonly index: number; readonly shape: ActivationShape };
  /** Reserves tensors. */
  readonly layout: LayoutBuilder;
  /** Refuses the layer. @param why the rule and the remedy */
  readonly refuse: (why: string) => never;
}

/** The layer of a description in its place: its output's shape and its tensors. */
export function placeLayer(layer: LayerDescription, placement: Placement): Layer {
  const { name, input, inputShape, layout, refuse } = placement;
  const base = { name, input, inputShape };
  switch (layer.kind) {
    case 'convolution': {
      const { kind, kernelSize, stride, channels } = layer;
      const outputShape = strided(inputShape, channels, stride);
      const weight = layout.parameter(`${name}.weight`, [
        kernelSize,
        kernelSize,
        inputShape.channels,
        channels,
      ]);
      return { kind, ...base, outputShape, kernelSize, stride, weight };
    }
    case 'batch-normalisation': {
      const shape = [inputShape.channels];
      return {
        kind: layer.kind,
        ...base,
        outputShape: inputShape,
        epsilon: layer.epsilon,
        scale: layout.parameter(`${name}.scale`, shape),
        shift: layout.parameter(`${name}.shift`, shape),
        runningMean: layout.statistic(`${name}.runningMean`, shape),
        runningVariance: layout.statistic(`${name}.runningVariance`, shape),
      };
    }
    case 'relu':
      return { kind: layer.kind, ...base, outputShape: inputShape };
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
      return {
        kind: layer.kind,
        ...base,
        outputShape: vector(layer.channels),
        weight: layout.parameter(`${name}.weight`, [inputShape.channels, layer.channels]),
        bias: layout.parameter(`${name}.bias`, [layer.channels]),
      };
    }
  }
}

/** Of one image's forward pass, in convolutions and dense layers: what a matrix unit would do. */
export function multiplicationsOf(layer: Layer): number {
  switch (layer.kind) {
    case 'convolution':
      return layer.outputShape.height * layer.outputShape.width * layer.weight.length;
    case 'dense':
      return layer.weight.length;
    case 'batch-normalisation':
    case 'relu':
    case 'shortcut':
    case 'add':
    case 'global-average-pool':
    case 'dropout':
      return 0;
  }
}

/** Parameters of a layer; its running statistics are none. */
export function parametersOf(layer: Layer): number {
  switch (layer.kind) {
    case 'convolution':
      return layer.weight.length;
    case 'dense':
      return layer.weight.length + layer.bias.length;
    case 'batch-normalisation':
      return layer.scale.length + layer.shift.length;
    case 'relu':
    case 'shortcut':
    case 'add':
    case 'global-average-pool':
    case 'dropout':
      return 0;
  }
}

/** `16x16x3`: height, width, channels. */
export function shapeText({ height, width, channels }: ActivationShape): string {
  return `${height}x${width}x${channels}`;
}

export function equalShapes(a: ActivationShape, b: ActivationShape): boolean {
  return a.height === b.height && a.width === b.width && a.channels === b.channels;
}

/** Output shape of a 3x3 window with padding 1, and of the strided shortcut beside it. */
function strided(input: ActivationShape, channels: number, stride: 1 | 2): ActivationShape {
  return { height: Math.ceil(input.height / stride), width: Math.ceil(input.width / stride), channels };
}

function vector(channels: number): ActivationShape {
  return { height: 1, width: 1, channels };
}
