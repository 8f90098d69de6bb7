/**
 * The backward pass as dispatches. A value's gradient is a sum of terms, one for each operation that reads the value. Most
 * terms are readings of other gradients, and cost nothing until the kernel that completes the sum evaluates them.
 */

import { invariant } from '../../../foundation/errors.js';
import { IMAGES_VALUE, operandsOf } from '../../graph.js';
import type {
  ConvolutionOperation,
  DenseOperation,
  Operation,
  PixelOperation,
  ValueIndex,
  WindowPoolOperation,
} from '../../graph.js';
import { activationDerivative } from '../kernels/activations.js';
import { biasGradient } from '../kernels/biasGradient.js';
import { borderOf } from '../kernels/convolutionTile.js';
import type { ConvolutionSize } from '../kernels/convolutionTile.js';
import type { Finish, GradientFinish } from '../kernels/finish.js';
import { denseInputGradient, denseParameterGradients, lossGradient } from '../kernels/head.js';
import { allocate } from '../kernels/kernelSource.js';
import type { Dispatch, Range, Reading } from '../kernels/kernelSource.js';
import { pixels, pixelTiling } from '../kernels/pixels.js';
import {
  deviation,
  normalisationGradient,
  normalised,
  packed,
  product,
  scaled,
  shortcutGradient,
  spread,
  stored,
  sum,
} from '../kernels/readings.js';
import { partialLength } from '../kernels/shapes.js';
import type { Tiling } from '../kernels/shapes.js';
import { finishGradientSums } from '../kernels/statistics.js';
import { pooledGradient } from '../kernels/windowPool.js';
import type { ForwardPass } from './forward.js';

/** Bindings of the largest kernel that computes the gradient of a normalisation while it loads it. */
const BINDINGS_TO_INLINE = 10;

interface ChannelSums {
  readonly tiling: Tiling;
  readonly partials: Range;
}

export class BackwardPass {
  readonly dispatches: Dispatch[] = [];
  /** Padded like the parameters; normalisations' are in `ForwardPass.channels`. */
  readonly gradient: Range;
  private readonly terms = new Map<ValueIndex, Reading[]>();
  private readonly finished = new Map<ValueIndex, Reading>();
  private readonly channelSums = new Map<ValueIndex, ChannelSums>();

  /** @param bindingLimit storage buffers that a kernel may read and write on the device */
  constructor(
    private readonly forward: ForwardPass,
    private readonly bindingLimit: number,
  ) {
    const { graph, model, layout, imageCount } = forward.options;
    this.gradient = allocate('gradient', layout.parameters.length);
    const start = forward.allocateLike('logit gradient', graph.logits);
    const { classCount } = model;
    this.dispatches.push(lossGradient(forward.logits, forward.input, { classCount, imageCount }, start));
    this.contribute(graph.logits, stored(start, forward.shapeOf(graph.logits)));
    for (let index = graph.operations.length - 1; index >= 0; index--) {
      if (graph.isLive[index]) this.compute(graph.operations[index]!, index);
    }
  }

  private compute(operation: Operation, index: number): void {
    const { source, result } = operation;
    const { forward } = this;
    switch (operation.kind) {
      case 'convolution':
        return this.convolve(operation, index);
      case 'pixels':
        return this.combine(operation);
      case 'shortcut': {
        const shapes = { inputShape: forward.shapeOf(source), stride: operation.stride };
        return this.contribute(source, shortcutGradient(this.gradientOf(result), shapes));
      }
      case 'pool': {
        const { height, width } = forward.shapeOf(source);
        return this.contribute(source, spread(this.gradientOf(result), 1 / (height * width)));
      }
      case 'dropout': {
        const { range } = forward.input.masks.get(operation)!;
        return this.contribute(
          source,
          product(this.gradientOf(result), packed(range, forward.shapeOf(source))),
        );
      }
      case 'dense':
        return this.densely(operation);
      case 'window-pool':
        return this.poolWindows(operation);
      case 'scale':
        return this.contribute(source, scaled(this.gradientOf(result), operation.factor));
    }
  }

  private contribute(value: ValueIndex, term: Reading): void {
    if (value === IMAGES_VALUE) return;
    this.terms.set(value, [...(this.terms.get(value) ?? []), term]);
  }

  /** A value's whole gradient, with its producer's ReLU undone; all its readers must have been processed. */
  private gradientOf(value: ValueIndex): Reading {
    const known = this.finished.get(value);
    if (known !== undefined) return known;
    const terms = this.terms.get(value) ?? [];
    invariant(terms.length > 0, `value ${value} has no gradient`);
    const finish = this.finishOf(value, [], pixelTiling(this.forward.shapeOf(value), this.imageCount));
    const isPlain = finish.sign === undefined && finish.factor === undefined && finish.products === undefined;
    const reading = isPlain && terms.length === 1 ? terms[0]! : this.finishGradient(value, terms, finish);
    this.finished.set(value, reading);
    return reading;
  }

  /** A derivative reads up to three bindings: several terms are summed before. */
  private finishGradient(value: ValueIndex, terms: readonly Reading[], finish: GradientFinish): Reading {
    const isTogether = terms.length === 1 || finish.factor === undefined;
    const total = isTogether ? sum(terms) : this.storeGradient(value, sum(terms), { kind: 'store' });
    return this.storeGradient(value, total, finish);
  }

  private get imageCount(): number {
    return this.forward.options.imageCount;
  }

  private storeGradient(value: ValueIndex, read: Reading, finish: Finish): Reading {
    const { imageCount, forward } = this;
    const shape = forward.shapeOf(value);
    const result = forward.allocateLike('gradient', value);
    this.dispatches.push(pixels({ purpose: 'gradient', shape, imageCount, read, result, finish }));
    return stored(result, shape);
  }

  /** How the kernel that completes a value's gradient finishes it for the value's producer. */
  private finishOf(value: ValueIndex, terms: readonly Reading[], tiling: Tiling): GradientFinish {
    const { graph } = this.forward.options;
    const { producer } = graph.values[value]!;
    const operation = producer === undefined ? undefined : graph.operations[producer];
    if (operation?.kind !== 'pixels')
      return { kind: 'gradient', terms, sign: undefined, products: undefined };
    const by = this.forward.normalisations.get(operation);
    const result = this.forward.readings[value]!;
    const beforeRelu = by !== undefined && operation.addend === undefined ? normalised(by) : result;
    const sign = operation.relu ? beforeRelu : undefined;
    const factor = this.derivativeOf(operation);
    if (by === undefined) return { kind: 'gradient', terms, sign, factor, products: undefined };
    const partials = allocate('partial gradient sums', partialLength(tiling, this.forward.shapeOf(value)));
    this.channelSums.set(value, { tiling, partials });
    return { kind: 'gradient', terms, sign, factor, products: { deviation: deviation(by), partials } };
  }

  private derivativeOf(operation: PixelOperation): Reading | undefined {
    const input = this.forward.activationInputs.get(operation);
    return input && operation.smooth && activationDerivative(input, operation.smooth);
  }

  private poolWindows({ layer, source, result }: WindowPoolOperation): void {
    if (source === IMAGES_VALUE) return;
    const read = pooledGradient(this.forward.readings[source]!, this.gradientOf(result), layer);
    this.contribute(source, this.storeGradient(source, read, { kind: 'store' }));
  }

  private combine(operation: PixelOperation): void {
    const { source, addend, result, normalisation } = operation;
    const gradient = this.gradientOf(result);
    if (addend !== undefined) this.contribute(addend, gradient);
    const by = this.forward.normalisations.get(operation);
    if (by === undefined || normalisation === undefined) return this.contribute(source, gradient);
    const { layout } = this.forward.options;
    const { tiling, partials } = this.channelSums.get(result)!;
    this.dispatches.push(
      finishGradientSums({
        shape: by.shape,
        pixelCount: this.imageCount * by.shape.height * by.shape.width,
        tiling,
        partials,
        coefficients: by.coefficients,
        channels: layout.channelsOf(this.forward.channels, normalisation),
      }),
    );
    this.contribute(source, normalisationGradient(by, gradient));
  }

  private convolve(operation: ConvolutionOperation, index: number): void {
    const { forward, imageCount, gradient } = this;
    const { layer, source, result } = operation;
    let readGradient = this.gradientOf(result);
    const isStored = this.terms.get(result)!.length > 1;
    if (!isStored && this.bindingLimit < BINDINGS_TO_INLINE) {
      readGradient = this.storeGradient(result, readGradient, { kind: 'store' });
    }
    const { layout } = forward.options;
    if (layer.bias && !layer.bias.frozen) {
      const to = layout.tensorIn(gradient, layer.bias);
      this.dispatches.push(biasGradient(readGradient, layer.outputShape, imageCount, to));
    }
    if (layer.weight.frozen) {
      if (source !== IMAGES_VALUE) this.convolveInput(operation, index, readGradient);
      return;
    }
    const size = {
      stride: layer.stride,
      border: borderOf(layer),
      imageCount,
      input: layer.inputShape,
      output: layer.outputShape,
    };
    const [partial, addition] = forward.convolutions.weightGradient(size, {
      read: forward.readings[source]!,
      readGradient,
      result: layout.tensorIn(gradient, layer.weight),
    });
    // The sum comes last: it waits for the partial sums; the input gradient between them does not.
    this.dispatches.push(partial);
    if (source !== IMAGES_VALUE) this.convolveInput(operation, index, readGradient);
    this.dispatches.push(addition);
  }

  private convolveInput({ layer, source }: ConvolutionOperation, index: number, read: Reading): void {
    const { forward, imageCount } = this;
    const size: ConvolutionSize = {
      kind: 'gradient',
      stride: layer.stride,
      border: borderOf(layer),
      imageCount,
      input: layer.outputShape,
      output: layer.inputShape,
    };
    const isLast = this.isLastContribution(source, index) && !this.isSmooth(source);
    const planned = forward.convolutions.plan(size, layer);
    const finish: Finish = isLast
      ? this.finishOf(source, this.terms.get(source) ?? [], planned.tiling)
      : { kind: 'store' };
    const result = forward.allocateLike('gradient', source);
    this.dispatches.push(planned.dispatch({ read, result, finish }));
    const reading = stored(result, forward.shapeOf(source));
    if (isLast) this.finished.set(source, reading);
    this.contribute(source, reading);
  }

  /** A derivative is left to a kernel of its own: beside a convolution's there is no room for its bindings. */
  private isSmooth(value: ValueIndex): boolean {
    const { graph } = this.forward.options;
    const { producer } = graph.values[value]!;
    const operation = producer === undefined ? undefined : graph.operations[producer];
    return operation?.kind === 'pixels' && operation.smooth !== undefined;
  }

  /** Whether every other live operation that reads the value comes later in the forward pass. */
  private isLastContribution(value: ValueIndex, index: number): boolean {
    const { operations, isLive } = this.forward.options.graph;
    return operations.every(
      (operation, other) => other >= index || !isLive[other] || !operandsOf(operation).includes(value),
    );
  }

  private densely(operation: DenseOperation): void {
    const { forward, gradient } = this;
    const { source, result } = operation;
    const { parameters } = forward.options.layout;
    const read = this.gradientOf(result);
    this.dispatches.push(
      denseParameterGradients(forward.readings[source]!, read, forward.denseOptions(operation, gradient)),
    );
    if (source === IMAGES_VALUE) return;
    const range = forward.allocateLike('gradient', source);
    this.dispatches.push(denseInputGradient(read, forward.denseOptions(operation, parameters), range));
    this.contribute(source, stored(range, forward.shapeOf(source)));
  }
}
