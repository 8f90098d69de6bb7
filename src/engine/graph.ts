/**
 * Turns a list of layers into fewer, larger operations. The layers between two convolutions (batch normalisation, the
 * shortcut's sum, ReLU) become one operation on pixels, done in one pass over memory.
 */

import { invariant } from '../foundation/errors.js';
import { IMAGES } from '../model/index.js';
import type {
  ActivationShape,
  BatchNormalisationLayer,
  ConvolutionLayer,
  DenseLayer,
  Layer,
  Model,
} from '../model/index.js';

/** Index into `Graph.values`; the images are value 0. */
export type ValueIndex = number;
export const IMAGES_VALUE: ValueIndex = 0;

export interface PixelOperation {
  readonly kind: 'pixels';
  readonly source: ValueIndex;
  readonly normalisation: BatchNormalisationLayer | undefined;
  readonly addend: ValueIndex | undefined;
  readonly relu: boolean;
  readonly result: ValueIndex;
}

interface SimpleOperation<Kind extends string> {
  readonly kind: Kind;
  readonly source: ValueIndex;
  readonly result: ValueIndex;
}

export interface ConvolutionOperation extends SimpleOperation<'convolution'> {
  readonly layer: ConvolutionLayer;
}
export interface ShortcutOperation extends SimpleOperation<'shortcut'> {
  readonly stride: 1 | 2;
}
export interface DropoutOperation extends SimpleOperation<'dropout'> {
  readonly rate: number;
  /** Position in the model's layer list, which the mask depends on. */
  readonly layerIndex: number;
}
export interface DenseOperation extends SimpleOperation<'dense'> {
  readonly layer: DenseLayer;
}
export type PoolOperation = SimpleOperation<'pool'>;

export type Operation =
  | ConvolutionOperation
  | PixelOperation
  | ShortcutOperation
  | PoolOperation
  | DropoutOperation
  | DenseOperation;

export interface Value {
  readonly shape: ActivationShape;
  /** The operation that computes it; undefined for the images. */
  readonly producer: number | undefined;
  /** Operations that read it, in order; one that reads it twice is listed twice. */
  readonly consumers: readonly number[];
}

export interface Graph {
  readonly operations: readonly Operation[];
  /** Which operations the logits depend on: only these take part in the backward pass. */
  readonly isLive: readonly boolean[];
  readonly values: readonly Value[];
  readonly logits: ValueIndex;
}

export function buildGraph(model: Model): Graph {
  const operations: Operation[] = [];
  const shapes: ActivationShape[] = [model.inputShape];
  const producers: (number | undefined)[] = [undefined];
  const valueOfLayer = new Map<number, ValueIndex>([[IMAGES, IMAGES_VALUE]]);
  const chains = findChains(model.layers);
  const valueOf = (layer: number): ValueIndex => {
    const value = valueOfLayer.get(layer);
    invariant(value !== undefined, `layer ${layer} is read before it is computed`);
    return value;
  };
  model.layers.forEach((layer, index) => {
    const chain = chains.get(index);
    if (chain !== undefined && chain.last !== index) return;
    const result = shapes.length;
    operations.push(
      chain === undefined
        ? lowerLayer(layer, index, valueOf(layer.input), result)
        : {
            kind: 'pixels',
            source: valueOf(chain.source),
            normalisation: chain.normalisation,
            addend: chain.addend === undefined ? undefined : valueOf(chain.addend),
            relu: chain.relu,
            result,
          },
    );
    shapes.push(layer.outputShape);
    producers.push(operations.length - 1);
    valueOfLayer.set(index, result);
  });
  const consumers: number[][] = shapes.map(() => []);
  operations.forEach((operation, index) =>
    operandsOf(operation).forEach((value) => consumers[value]!.push(index)),
  );
  const logits = valueOf(model.layers.length - 1);
  return {
    operations,
    isLive: findLive(operations, logits),
    values: shapes.map((shape, index) => ({
      shape,
      producer: producers[index],
      consumers: consumers[index]!,
    })),
    logits,
  };
}

function findLive(operations: readonly Operation[], logits: ValueIndex): boolean[] {
  const needed = new Set([logits]);
  const isLive = operations.map(() => false);
  for (let index = operations.length - 1; index >= 0; index--) {
    const operation = operations[index]!;
    if (!needed.has(operation.result)) continue;
    isLive[index] = true;
    for (const operand of operandsOf(operation)) needed.add(operand);
  }
  return isLive;
}

export function operandsOf(operation: Operation): ValueIndex[] {
  return operation.kind === 'pixels' && operation.addend !== undefined
    ? [operation.source, operation.addend]
    : [operation.source];
}

function lowerLayer(layer: Layer, layerIndex: number, source: ValueIndex, result: ValueIndex): Operation {
  switch (layer.kind) {
    case 'convolution':
      return { kind: 'convolution', layer, source, result };
    case 'dense':
      return { kind: 'dense', layer, source, result };
    case 'shortcut':
      return { kind: 'shortcut', stride: layer.stride, source, result };
    case 'global-average-pool':
      return { kind: 'pool', source, result };
    case 'dropout':
      return { kind: 'dropout', rate: layer.rate, layerIndex, source, result };
    default:
      return invariant(false, `layer kind ${layer.kind} belongs to a chain`) as never;
  }
}

/** A run of layers that becomes one pixel operation; layer indexes. */
interface Chain {
  readonly source: number;
  readonly normalisation: BatchNormalisationLayer | undefined;
  readonly addend: number | undefined;
  readonly relu: boolean;
  readonly last: number;
}

/** For each layer that is part of a chain, the chain. */
function findChains(layers: readonly Layer[]): Map<number, Chain> {
  const readers = readersOf(layers);
  const chains = new Map<number, Chain>();
  /** The only layer that reads `index`, if it has that kind and is not part of another chain. */
  const soleReader = (index: number, kind: Layer['kind']): number | undefined => {
    const [reader, ...others] = readers[index]!;
    if (reader === undefined || others.length > 0 || chains.has(reader)) return undefined;
    return layers[reader]!.kind === kind ? reader : undefined;
  };
  layers.forEach((layer, index) => {
    if (chains.has(index)) return;
    if (layer.kind !== 'batch-normalisation' && layer.kind !== 'add' && layer.kind !== 'relu') return;
    const members = [index];
    let addend = layer.kind === 'add' ? layer.other : undefined;
    if (layer.kind === 'batch-normalisation') {
      const sum = soleReader(index, 'add');
      if (sum !== undefined) {
        const { input, other } = layers[sum] as Extract<Layer, { kind: 'add' }>;
        addend = input === index ? other : input;
        members.push(sum);
      }
    }
    const relu = layer.kind === 'relu' ? undefined : soleReader(members.at(-1)!, 'relu');
    if (relu !== undefined) members.push(relu);
    const chain: Chain = {
      source: layer.input,
      normalisation: layer.kind === 'batch-normalisation' ? layer : undefined,
      addend,
      relu: layer.kind === 'relu' || relu !== undefined,
      last: members.at(-1)!,
    };
    for (const member of members) chains.set(member, chain);
  });
  return chains;
}

function readersOf(layers: readonly Layer[]): number[][] {
  const readers: number[][] = layers.map(() => []);
  layers.forEach((layer, index) => {
    if (layer.input !== IMAGES) readers[layer.input]!.push(index);
    if (layer.kind === 'add' && layer.other !== IMAGES) readers[layer.other]!.push(index);
  });
  return readers;
}
