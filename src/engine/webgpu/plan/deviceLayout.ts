/**
 * Where a model's tensors are in device memory. Each is at an offset that can be bound. Filters have their channels padded to
 * quads, so that kernels depend on shapes only and read whole vectors.
 */

import { invariant } from '../../../foundation/errors.js';
import type { BatchNormalisationLayer, Model, ModelState, TensorSpec } from '../../../model/index.js';
import { aligned, allocate } from '../kernels/kernelSource.js';
import type { Range } from '../kernels/kernelSource.js';
import { COEFFICIENT_ROWS } from '../kernels/readings.js';
import { quadsOf } from '../kernels/shapes.js';
import { channelLength, coefficientLength } from '../kernels/statistics.js';

/** A tensor as (blocks, rows, columns), without and with padding. */
interface Placement {
  readonly spec: TensorSpec;
  readonly offset: number;
  readonly blocks: number;
  readonly rows: number;
  readonly columns: number;
  readonly paddedRows: number;
  readonly paddedColumns: number;
  readonly isPadded: boolean;
}

const quadUp = (count: number): number => Math.ceil(count / 4) * 4;

export class DeviceLayout {
  /** The parameters, padded. */
  readonly parameters: Range;
  /** Coefficients of every normalisation, from its running statistics. */
  readonly runningCoefficients: Range;
  /** Length of what normalisations return to the host. */
  readonly channelsLength: number;
  private readonly placements = new Map<TensorSpec, Placement>();
  private readonly normalisations: BatchNormalisationLayer[] = [];
  private readonly coefficientOffsets = new Map<BatchNormalisationLayer, number>();
  private readonly channelOffsets = new Map<BatchNormalisationLayer, number>();

  constructor(private readonly model: Model) {
    let end = 0;
    for (const placement of placementsOf(model)) {
      const isPadded = paddedLength(placement) !== placement.spec.length;
      this.placements.set(placement.spec, { ...placement, offset: end, isPadded });
      end += aligned(paddedLength(placement));
    }
    let [coefficientEnd, channelEnd] = [0, 0];
    for (const layer of model.layers) {
      if (layer.kind !== 'batch-normalisation') continue;
      this.normalisations.push(layer);
      this.coefficientOffsets.set(layer, coefficientEnd);
      this.channelOffsets.set(layer, channelEnd);
      coefficientEnd += aligned(coefficientLength(layer.outputShape));
      channelEnd += aligned(channelLength(layer.outputShape));
    }
    this.parameters = allocate('parameters', end);
    this.runningCoefficients = allocate('running coefficients', Math.max(coefficientEnd, 1));
    this.channelsLength = Math.max(channelEnd, 1);
  }

  /** A tensor in `whole`, which has the layout of the parameters: the parameters themselves, or their gradient. */
  tensorIn(whole: Range, spec: TensorSpec): Range {
    const placement = this.placementOf(spec);
    return { storage: whole.storage, offset: placement.offset, length: paddedLength(placement) };
  }

  runningCoefficientsOf(layer: BatchNormalisationLayer): Range {
    const { storage } = this.runningCoefficients;
    const offset = this.coefficientOffsets.get(layer) ?? 0;
    return { storage, offset, length: coefficientLength(layer.outputShape) };
  }

  /** What a normalisation returns to the host, see `CHANNEL_ROWS`. */
  channelsOf(whole: Range, layer: BatchNormalisationLayer): Range {
    const offset = this.channelOffsets.get(layer) ?? 0;
    return { storage: whole.storage, offset, length: channelLength(layer.outputShape) };
  }

  /** @param packed (parameters.length); its padding is set to zero */
  packParameters(
    parameters: Float32Array,
    packed: Float32Array = new Float32Array(this.parameters.length),
  ): Float32Array {
    for (const placement of this.placements.values()) {
      const { offset, isPadded } = placement;
      if (isPadded) packed.fill(0, offset, offset + paddedLength(placement));
      forEachPiece(placement, (from, to, length) => {
        packed.set(parameters.subarray(from, from + length), to);
      });
    }
    return packed;
  }

  /** In float64, because the host computes these coefficients. */
  packRunningCoefficients({ parameters, statistics }: ModelState): Float32Array<ArrayBuffer> {
    const packed = new Float32Array(this.runningCoefficients.length);
    for (const layer of this.normalisations) {
      const { scale, shift, runningMean, runningVariance, epsilon, outputShape } = layer;
      const start = this.coefficientOffsets.get(layer)!;
      const padded = quadsOf(outputShape) * 4;
      const write = (row: (typeof COEFFICIENT_ROWS)[number], channel: number, value: number): void => {
        packed[start + COEFFICIENT_ROWS.indexOf(row) * padded + channel] = value;
      };
      for (let channel = 0; channel < outputShape.channels; channel++) {
        const inverse = 1 / Math.sqrt(statistics[runningVariance.offset + channel]! + epsilon);
        write('mean', channel, statistics[runningMean.offset + channel]!);
        write('gain', channel, parameters[scale.offset + channel]! * inverse);
        write('shift', channel, parameters[shift.offset + channel]!);
      }
    }
    return packed;
  }

  /**
   * Converts the device's results to flat vectors.
   * @param gradient padded like the parameters, except those of normalisations, which are in `channels`
   * @param gradientSum (parameterCount), all of which is overwritten
   */
  unpack(
    gradient: Float32Array,
    channels: Float32Array,
    gradientSum: Float32Array = new Float32Array(this.model.layout.parameterCount),
  ): { gradientSum: Float32Array; batchStatistics: Float32Array } {
    const { layout } = this.model;
    const batchStatistics = new Float32Array(layout.statisticCount);
    for (const placement of this.placements.values()) {
      forEachPiece(placement, (from, to, length) => {
        gradientSum.set(gradient.subarray(to, to + length), from);
      });
    }
    for (const layer of this.normalisations) {
      const padded = quadsOf(layer.outputShape) * 4;
      const start = this.channelOffsets.get(layer)!;
      const targets = [
        [batchStatistics, layer.runningMean],
        [batchStatistics, layer.runningVariance],
        [gradientSum, layer.scale],
        [gradientSum, layer.shift],
      ] as const;
      targets.forEach(([target, spec], row) => {
        const from = start + row * padded;
        target.set(channels.subarray(from, from + spec.length), spec.offset);
      });
    }
    return { gradientSum, batchStatistics };
  }

  private placementOf(spec: TensorSpec): Placement {
    const placement = this.placements.get(spec);
    invariant(placement !== undefined, `tensor ${spec.name} has no place in device memory`);
    return placement;
  }
}

const paddedLength = ({ blocks, paddedRows, paddedColumns }: Shape): number =>
  blocks * paddedRows * paddedColumns;

/** Visits each run of elements that is contiguous in the flat vector (at `from`) and on the device (at `to`). */
function forEachPiece(
  { spec, offset, blocks, rows, columns, paddedRows, paddedColumns, isPadded }: Placement,
  visit: (from: number, to: number, length: number) => void,
): void {
  if (!isPadded) return visit(spec.offset, offset, spec.length);
  for (let block = 0; block < blocks; block++) {
    for (let row = 0; row < rows; row++) {
      visit(
        spec.offset + (block * rows + row) * columns,
        offset + (block * paddedRows + row) * paddedColumns,
        columns,
      );
    }
  }
}

type Shape = Omit<Placement, 'offset' | 'isPadded'>;

function placementsOf({ layers }: Model): Shape[] {
  return layers.flatMap((layer) => {
    switch (layer.kind) {
      case 'convolution': {
        const [, , inputs, outputs] = layer.weight.shape as [number, number, number, number];
        return [padded(layer.weight, 9, inputs, outputs)];
      }
      case 'batch-normalisation':
        return [layer.scale, layer.shift].map((spec) => vector(spec, quadUp(spec.length)));
      case 'dense':
        return [layer.weight, layer.bias].map((spec) => vector(spec, spec.length));
      default:
        return [];
    }
  });
}

function padded(spec: TensorSpec, blocks: number, rows: number, columns: number): Shape {
  return { spec, blocks, rows, columns, paddedRows: quadUp(rows), paddedColumns: quadUp(columns) };
}

function vector(spec: TensorSpec, paddedColumns: number): Shape {
  return { spec, blocks: 1, rows: 1, columns: spec.length, paddedRows: 1, paddedColumns };
}
