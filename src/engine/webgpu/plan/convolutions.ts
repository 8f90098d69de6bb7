/** Which kernel computes a convolution or one of its gradients: single precision, or half-precision matrix products. */

import type { ConvolutionLayer, TensorSpec } from '../../../model/index.js';
import { convolution } from '../kernels/convolution.js';
import { tilingOf } from '../kernels/convolutionTile.js';
import type { ConvolutionSize } from '../kernels/convolutionTile.js';
import type { Finish } from '../kernels/finish.js';
import { aligned } from '../kernels/kernelSource.js';
import type { Dispatch, Range, Reading, Storage } from '../kernels/kernelSource.js';
import { matrixConvolution } from '../kernels/matrixConvolution.js';
import {
  matrixTilingOf,
  PRODUCT_CHANNELS,
  usualMatrixConvolutionTile,
} from '../kernels/matrixConvolutionTile.js';
import type { MatrixUnit } from '../kernels/matrixOperations.js';
import { matrixWeightGradient } from '../kernels/matrixWeightGradient.js';
import { usualMatrixWeightGradientTile } from '../kernels/matrixWeightGradientTile.js';
import { packFilters } from '../kernels/packFilters.js';
import type { PackedFilter } from '../kernels/packFilters.js';
import type { Tiling } from '../kernels/shapes.js';
import { weightGradient } from '../kernels/weightGradient.js';
import type { WeightGradientSize } from '../kernels/weightGradientTile.js';
import type { DeviceLayout } from './deviceLayout.js';
import type { Tiles } from './tiles.js';

export interface ConvolutionParts {
  readonly read: Reading;
  readonly result: Range;
  readonly finish: Finish;
}

export interface PlannedConvolution {
  readonly tiling: Tiling;
  readonly dispatch: (parts: ConvolutionParts) => Dispatch;
}

interface WeightGradientParts {
  readonly read: Reading;
  readonly readGradient: Reading;
  readonly result: Range;
}

export interface ConvolutionOptions {
  readonly layers: readonly ConvolutionLayer[];
  readonly layout: DeviceLayout;
  readonly tiles: Tiles;
  /** Set if convolutions use half precision. */
  readonly matrices: MatrixUnit | undefined;
}

export class Convolutions {
  /** Dispatches that must run before any of them. */
  readonly preparation: readonly Dispatch[];
  private readonly packed: ReadonlyMap<TensorSpec, PackedFilter>;

  constructor(private readonly options: ConvolutionOptions) {
    this.packed = options.matrices === undefined ? new Map() : placePacked(options);
    this.preparation = this.packed.size === 0 ? [] : [packFilters([...this.packed.values()])];
  }

  plan(size: ConvolutionSize, { weight }: ConvolutionLayer): PlannedConvolution {
    const { tiles, layout, matrices } = this.options;
    const packed = this.packed.get(weight);
    const matrixTile = matrices && packed && usualMatrixConvolutionTile(size, matrices);
    if (matrixTile !== undefined) {
      const { operations } = matrices!;
      return {
        tiling: matrixTilingOf(size, matrixTile),
        dispatch: (parts) =>
          matrixConvolution({
            ...size,
            ...parts,
            tile: matrixTile,
            operations,
            packedWeights: packed!.to,
          }),
      };
    }
    const tile = tiles.convolution(size);
    const weights = layout.tensorIn(layout.parameters, weight);
    return {
      tiling: tilingOf(size, tile),
      dispatch: (parts) => convolution({ ...size, ...parts, tile, weights }),
    };
  }

  weightGradient(size: WeightGradientSize, parts: WeightGradientParts): [Dispatch, Dispatch] {
    const { tiles, matrices } = this.options;
    const matrixTile = matrices && usualMatrixWeightGradientTile(size, matrices);
    if (matrixTile !== undefined) {
      const { operations } = matrices!;
      return matrixWeightGradient({ ...size, ...parts, tile: matrixTile, operations });
    }
    return weightGradient({ ...size, ...parts, tile: tiles.weightGradient(size) });
  }
}

/** Storage for every filter that matrix products can use. */
function placePacked({ layers, layout }: ConvolutionOptions): Map<TensorSpec, PackedFilter> {
  const suitable = layers.filter(({ inputShape, outputShape }) =>
    [inputShape, outputShape].every(({ channels }) => channels % PRODUCT_CHANNELS === 0),
  );
  const sources = suitable.map(({ weight }) => layout.tensorIn(layout.parameters, weight));
  const total = sources.reduce((sum, { length }) => sum + aligned(length / 2), 0);
  const storage: Storage = { name: 'packed filters', length: total };
  let offset = 0;
  return new Map(
    suitable.map(({ weight }, index) => {
      const from = sources[index]!;
      const to = { storage, offset, length: from.length / 2 };
      offset += aligned(to.length);
      return [weight, { from, to }];
    }),
  );
}
