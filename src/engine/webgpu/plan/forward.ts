/**
 * The forward pass as dispatches. Values that are cheap to compute again are not stored: shortcuts, dropout, and a
 * normalisation that only convolutions read are computed while they are loaded.
 */

import { invariant } from '../../../foundation/errors.js';
import type { ActivationShape, BatchNormalisationLayer, Model } from '../../../model/index.js';
import { IMAGES_VALUE } from '../../graph.js';
import type {
  ConvolutionOperation,
  DenseOperation,
  Graph,
  Operation,
  PixelOperation,
  ValueIndex,
  WindowPoolOperation,
} from '../../graph.js';
import { activated } from '../kernels/activations.js';
import { borderOf } from '../kernels/convolutionTile.js';
import type { ConvolutionSize } from '../kernels/convolutionTile.js';
import type { Finish } from '../kernels/finish.js';
import { dense, pool } from '../kernels/head.js';
import type { DenseOptions } from '../kernels/head.js';
import { allocate, bindingsOf } from '../kernels/kernelSource.js';
import type { Dispatch, Range, Reading } from '../kernels/kernelSource.js';
import { pixels, pixelTiling } from '../kernels/pixels.js';
import { prepareImages } from '../kernels/prepare.js';
import {
  everywhere,
  normalised,
  packed,
  product,
  rectified,
  scaled,
  shortcut,
  stored,
  sum,
} from '../kernels/readings.js';
import type { Normalised } from '../kernels/readings.js';
import { imageLength, partialLength } from '../kernels/shapes.js';
import type { Tiling } from '../kernels/shapes.js';
import { coefficientLength, finishMoments } from '../kernels/statistics.js';
import type { MatrixUnit } from '../kernels/matrixOperations.js';
import { pooled } from '../kernels/windowPool.js';
import { Convolutions } from './convolutions.js';
import type { DeviceLayout } from './deviceLayout.js';
import { inputOf } from './passInput.js';
import type { InputKind, PassInput } from './passInput.js';
import type { Tiles } from './tiles.js';

/** Where batch normalisation takes its statistics from, and whether a backward pass follows. */
export type PassKind = 'training' | 'batch' | 'running';

export interface PassOptions {
  readonly model: Model;
  readonly graph: Graph;
  readonly layout: DeviceLayout;
  readonly kind: PassKind;
  readonly imageCount: number;
  readonly tiles: Tiles;
  readonly inputKind: InputKind;
  /** Set if convolutions use half precision. */
  readonly matrices?: MatrixUnit | undefined;
}

interface Moments {
  readonly tiling: Tiling;
  readonly partials: Range;
}

export class ForwardPass {
  readonly dispatches: Dispatch[] = [];
  /** How each value is read. */
  readonly readings: Reading[] = [];
  /** The normalisation of each pixel operation that has one. */
  readonly normalisations = new Map<PixelOperation, Normalised>();
  /** What each smooth activation reads. */
  readonly activationInputs = new Map<PixelOperation, Reading>();
  readonly input: PassInput;
  /** One of the results: means, variances and gradients of every normalisation. */
  readonly channels: Range;
  readonly logits: Range;
  readonly convolutions: Convolutions;
  private readonly moments = new Map<ValueIndex, Moments>();
  private readonly storedRanges = new Map<ValueIndex, Range>();

  constructor(readonly options: PassOptions) {
    const { model, graph, imageCount, layout, kind, tiles, matrices, inputKind } = options;
    const layers = model.layers.filter((layer) => layer.kind === 'convolution');
    this.convolutions = new Convolutions({ layers, layout, tiles, matrices });
    this.dispatches.push(...this.convolutions.preparation);
    this.input = inputOf({ model, graph, imageCount, isTraining: kind === 'training', inputKind });
    this.channels = allocate('channels', layout.channelsLength);
    this.readings[IMAGES_VALUE] = this.readImages();
    graph.operations.forEach((operation, index) => {
      this.readings[operation.result] = this.compute(operation, index);
    });
    this.logits = this.storedLogits();
  }

  private readImages(): Reading {
    const { model, imageCount } = this.options;
    const { source } = this.input;
    if (source.kind === 'images') return packed(source.images, model.inputShape);
    return this.store(IMAGES_VALUE, (range) => prepareImages(source, model.inputShape, imageCount, range));
  }

  shapeOf(value: ValueIndex): ActivationShape {
    return this.options.graph.values[value]!.shape;
  }

  /** Memory for a value, or its gradient. */
  allocateLike(name: string, value: ValueIndex): Range {
    return allocate(name, this.options.imageCount * imageLength(this.shapeOf(value)));
  }

  denseOptions({ layer }: DenseOperation, weightsOf: Range): DenseOptions {
    const { layout, imageCount } = this.options;
    return {
      layer,
      imageCount,
      weights: layout.tensorIn(weightsOf, layer.weight),
      bias: layer.bias && layout.tensorIn(weightsOf, layer.bias),
    };
  }

  private compute(operation: Operation, index: number): Reading {
    const { graph, layout, imageCount } = this.options;
    const { source, result } = operation;
    const read = this.readings[source]!;
    switch (operation.kind) {
      case 'convolution':
        return this.convolve(operation);
      case 'pixels':
        return this.combine(operation, index);
      case 'shortcut':
        return shortcut(read, { inputShape: this.shapeOf(source), stride: operation.stride });
      case 'dropout': {
        const mask = this.input.masks.get(operation);
        if (mask === undefined) return read;
        return product(this.readAtOnce(source), packed(mask.range, graph.values[source]!.shape));
      }
      case 'pool':
        return this.store(result, (range) => pool(read, this.shapeOf(source), imageCount, range));
      case 'dense':
        return this.store(result, (range) =>
          dense(read, this.denseOptions(operation, layout.parameters), range),
        );
      case 'window-pool':
        return this.poolWindows(operation);
      case 'scale':
        return scaled(read, operation.factor);
    }
  }

  private store(value: ValueIndex, dispatchTo: (range: Range) => Dispatch): Reading {
    const range = this.allocateLike('activation', value);
    this.dispatches.push(dispatchTo(range));
    this.storedRanges.set(value, range);
    return stored(range, this.shapeOf(value));
  }

  /** The value, from one buffer: dropout after dropout would bind ever more. So no reading binds more than two. */
  private readAtOnce(value: ValueIndex): Reading {
    const read = this.readings[value]!;
    if (bindingsOf([read]) > 1) this.readings[value] = this.storePixels('dropout', value, read);
    return this.readings[value]!;
  }

  private storePixels(purpose: string, value: ValueIndex, read: Reading): Reading {
    const { imageCount } = this.options;
    const shape = this.shapeOf(value);
    return this.store(value, (result) =>
      pixels({ purpose, shape, imageCount, read, result, finish: { kind: 'store' } }),
    );
  }

  /** Stored, with the moments if batch normalisation reads it: windows that are read again are computed again. */
  private poolWindows({ layer, source, result }: WindowPoolOperation): Reading {
    const { imageCount, kind } = this.options;
    const shape = this.shapeOf(result);
    const finish: Finish =
      this.isNormalised(result) && kind !== 'running'
        ? { kind: 'moments', partials: this.partials(result, pixelTiling(shape, imageCount)) }
        : { kind: 'store' };
    const read = pooled(this.readings[source]!, layer);
    return this.store(result, (range) =>
      pixels({ purpose: layer.kind, shape, imageCount, read, result: range, finish }),
    );
  }

  private isNormalised(value: ValueIndex): boolean {
    const { graph } = this.options;
    return graph.values[value]!.consumers.some((consumer) => {
      const reader = graph.operations[consumer]!;
      return reader.kind === 'pixels' && reader.normalisation !== undefined && reader.source === value;
    });
  }

  private convolve({ layer, source, result }: ConvolutionOperation): Reading {
    const { imageCount, layout, kind } = this.options;
    const size: ConvolutionSize = {
      kind: 'forward',
      stride: layer.stride,
      border: borderOf(layer),
      imageCount,
      input: layer.inputShape,
      output: layer.outputShape,
    };
    const terms = layer.bias && [everywhere(layout.tensorIn(layout.parameters, layer.bias))];
    const more = terms === undefined ? {} : { terms };
    let finish: Finish = { kind: 'store', ...more };
    const planned = this.convolutions.plan(size, layer);
    if (this.isNormalised(result) && kind !== 'running') {
      finish = { kind: 'moments', partials: this.partials(result, planned.tiling), ...more };
    }
    return this.store(result, (range) =>
      planned.dispatch({ read: this.readings[source]!, result: range, finish }),
    );
  }

  private combine(operation: PixelOperation, index: number): Reading {
    const { graph } = this.options;
    const { source, addend, relu, smooth, result, normalisation } = operation;
    let read = this.readings[source]!;
    if (normalisation !== undefined) {
      const by = this.normaliseBy(normalisation, source);
      this.normalisations.set(operation, by);
      read = normalised(by);
    }
    if (addend !== undefined) read = sum([read, this.readings[addend]!]);
    if (relu) read = rectified(read);
    if (smooth !== undefined) {
      this.activationInputs.set(operation, read);
      read = activated(read, smooth);
    }
    const { consumers } = graph.values[result]!;
    const isOnlyConvolved =
      consumers.length > 0 &&
      consumers.every((consumer) => graph.operations[consumer]!.kind === 'convolution');
    if (normalisation !== undefined && addend === undefined && isOnlyConvolved) return read;
    invariant(graph.operations[index] === operation, 'operations are computed in order');
    return this.storePixels('normalise and add', result, read);
  }

  /** Coefficients of a normalisation of `source`, from running statistics or the micro-batch's own. */
  private normaliseBy(layer: BatchNormalisationLayer, source: ValueIndex): Normalised {
    const { kind, layout, imageCount } = this.options;
    const shape = layer.outputShape;
    if (kind === 'running') {
      return { source: this.readings[source]!, shape, coefficients: layout.runningCoefficientsOf(layer) };
    }
    const { tiling, partials } = this.moments.get(source) ?? this.measure(source);
    const coefficients = allocate('coefficients', coefficientLength(shape));
    this.dispatches.push(
      finishMoments({
        shape,
        pixelCount: imageCount * shape.height * shape.width,
        epsilon: layer.epsilon,
        tiling,
        partials,
        scale: layout.tensorIn(layout.parameters, layer.scale),
        shift: layout.tensorIn(layout.parameters, layer.shift),
        coefficients,
        channels: layout.channelsOf(this.channels, layer),
      }),
    );
    return { source: this.readings[source]!, shape, coefficients };
  }

  /** Moments of a value that no convolution writes; the value is stored by the same kernel. */
  private measure(value: ValueIndex): Moments {
    const { imageCount } = this.options;
    const shape = this.shapeOf(value);
    const partials = this.partials(value, pixelTiling(shape, imageCount));
    const read = this.readings[value]!;
    this.readings[value] = this.store(value, (result) =>
      pixels({ purpose: 'moments', shape, imageCount, read, result, finish: { kind: 'moments', partials } }),
    );
    return this.moments.get(value)!;
  }

  private partials(value: ValueIndex, tiling: Tiling): Range {
    const partials = allocate('partial moments', partialLength(tiling, this.shapeOf(value)));
    this.moments.set(value, { tiling, partials });
    return partials;
  }

  private storedLogits(): Range {
    const { logits } = this.options.graph;
    if (!this.storedRanges.has(logits)) this.storePixels('logits', logits, this.readings[logits]!);
    return this.storedRanges.get(logits)!;
  }
}
