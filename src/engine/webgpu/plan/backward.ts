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
import { readBy, writtenBy } from '../kernels/finish.js';
import type { Finish, GradientFinish } from '../kernels/finish.js';
import { denseInputGradient, denseParameterGradients, lossGradient } from '../kernels/head.js';
import { allocate, bindingsOf } from '../kernels/kernelSource.js';
import type { Dispatch, Range, Reading } from '../kernels/kernelSource.js';
import { pixelTiling } from '../kernels/pixels.js';
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
import type { PlannedConvolution } from './convolutions.js';
import type { ForwardPass } from './forward.js';
import { StoredGradients } from './storedGradients.js';

/** Bindings of the largest kernel that computes the gradient of a normalisation while it loads it. */
const BINDINGS_TO_INLINE = 10;

/** A term may have as many bindings as a kernel can read besides a sum of others and a result. */
const BINDINGS_TO_ADD = 2;

/** The gradient by a convolution's input. */
interface InputGradient {
  readonly planned: PlannedConvolution;
  readonly finish: Finish;
}

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
  private readonly storedGradients: StoredGradients;

  /** @param bindingLimit storage buffers that a kernel may read and write on the device */
  constructor(
    private readonly forward: ForwardPass,
    private readonly bindingLimit: number,
  ) {
    const { graph, model, layout, imageCount } = forward.options;
    this.gradient = allocate('gradient', layout.parameters.length);
    this.storedGradients = new StoredGradients(forward, bindingLimit, this.dispatches);
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
        const mask = packed(forward.input.masks.get(operation)!.range, forward.shapeOf(source));
        const gradient = this.storedGradients.within(
          result,
          this.gradientOf(result),
          [mask],
          BINDINGS_TO_ADD,
        );
        return this.contribute(source, product(gradient, mask));
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
    const isPlain = readBy(finish).length === 0;
    const reading = isPlain && terms.length === 1 ? terms[0]! : this.finishGradient(value, terms, finish);
    this.finished.set(value, reading);
    return reading;
  }

  /** By one kernel if it can bind everything. Several terms are summed before a derivative, which has bindings of its own. */
  private finishGradient(value: ValueIndex, terms: readonly Reading[], finish: GradientFinish): Reading {
    const { storedGradients } = this;
    const others = readBy(finish);
    const isTogether =
      (terms.length === 1 || finish.factor === undefined) &&
      storedGradients.fits([...terms, ...others], writtenBy(finish));
    if (isTogether) return storedGradients.store(value, sum(terms), finish);
    const total = storedGradients.storeSum(value, terms);
    return others.length === 0 ? total : storedGradients.store(value, total, finish);
  }

  private get imageCount(): number {
    return this.forward.options.imageCount;
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
    const { storedGradients } = this;
    const input = this.forward.readings[source]!;
    const gradient = storedGradients.within(result, this.gradientOf(result), [input], 1);
    this.contribute(source, storedGradients.store(source, pooledGradient(input, gradient, layer)));
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
      readGradient = this.storedGradients.store(result, readGradient);
    }
    const toInput =
      source === IMAGES_VALUE ? undefined : this.planInputGradient(operation, index, readGradient);
    if (!this.canConvolve(operation, readGradient, toInput)) {
      readGradient = this.storedGradients.store(result, readGradient);
    }
    const { layout } = forward.options;
    if (layer.bias && !layer.bias.frozen) {
      const to = layout.tensorIn(gradient, layer.bias);
      this.dispatches.push(biasGradient(readGradient, layer.outputShape, imageCount, to));
    }
    if (layer.weight.frozen) {
      if (toInput !== undefined) this.convolveInput(source, toInput, readGradient);
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
    if (toInput !== undefined) this.convolveInput(source, toInput, readGradient);
    this.dispatches.push(addition);
  }

  /** Whether the kernels of a convolution's gradients can bind what they need if they read this gradient. */
  private canConvolve({ source }: ConvolutionOperation, read: Reading, toInput?: InputGradient): boolean {
    const { forward, storedGradients } = this;
    if (!storedGradients.fits([read, forward.readings[source]!], 1)) return false;
    return toInput === undefined || this.canFinish(read, toInput.finish);
  }

  /** Whether a convolution that reads `read` and its filter can finish the result. */
  private canFinish(read: Reading, finish: Finish): boolean {
    return this.storedGradients.fits([read, ...readBy(finish)], 1 + writtenBy(finish));
  }

  private planInputGradient(
    { layer, source }: ConvolutionOperation,
    index: number,
    read: Reading,
  ): InputGradient {
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
    return { planned, finish: isLast ? this.lastFinish(source, planned.tiling, read) : { kind: 'store' } };
  }

  /** Adds the terms so far. They are summed before, if the convolution that reads `read` cannot bind them all. */
  private lastFinish(source: ValueIndex, tiling: Tiling, read: Reading): GradientFinish {
    const terms = this.terms.get(source) ?? [];
    const finish = this.finishOf(source, terms, tiling);
    if (bindingsOf(terms) <= 1 || this.canFinish(read, finish)) return finish;
    return { ...finish, terms: [this.storedGradients.storeSum(source, terms)] };
  }

  private convolveInput(source: ValueIndex, { planned, finish }: InputGradient, read: Reading): void {
    const { forward } = this;
    const result = forward.allocateLike('gradient', source);
    this.dispatches.push(planned.dispatch({ read, result, finish }));
    const reading = stored(result, forward.shapeOf(source));
    if (finish.kind === 'gradient') this.finished.set(source, reading);
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
    const input = forward.readings[source]!;
    const read = this.storedGradients.within(result, this.gradientOf(result), [input], 2);
    this.dispatches.push(denseParameterGradients(input, read, forward.denseOptions(operation, gradient)));
    if (source === IMAGES_VALUE) return;
    const range = forward.allocateLike('gradient', source);
    this.dispatches.push(denseInputGradient(read, forward.denseOptions(operation, parameters), range));
    this.contribute(source, stored(range, forward.shapeOf(source)));
  }
}
