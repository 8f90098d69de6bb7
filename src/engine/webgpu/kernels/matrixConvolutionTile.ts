/**
 * How a convolution by matrix products is divided into workgroups. Output channels are the rows of a product, and
 * consecutive pixels of an image's row its columns. A workgroup computes some rows of pixels by a block of output channels,
 * of one image or, if images are small, of several.
 */

import { convolutionKey, pixelsOfOneImage } from './convolutionTile.js';
import type { ConvolutionSize } from './convolutionTile.js';
import { SUBGROUP_THREADS } from './matrixOperations.js';
import type { MatrixShape, MatrixUnit } from './matrixOperations.js';
import type { Tiling } from './shapes.js';

/** Channels of a product: rows of the result, or terms of the sum. */
export const PRODUCT_CHANNELS = 16;
const QUADS = PRODUCT_CHANNELS / 4;
/** Two quads between rows of sixteen channels: eight rows are then in different memory banks. */
export const INPUT_STRIDE = QUADS + 2;
const ENOUGH_WORKGROUPS = 256;

/** What can be chosen. */
export interface MatrixConvolutionChoice {
  /** Pixels of a product. */
  readonly productPixels: 8 | 16;
  readonly rows: number;
  readonly columns: number;
  readonly images: number;
  /** Output channels of a workgroup and of a subgroup, and pixels of a subgroup, in products. */
  readonly blockProducts: number;
  readonly channelProducts: number;
  readonly pixelProducts: number;
}

export interface MatrixConvolutionTile extends MatrixConvolutionChoice {
  readonly shape: MatrixShape;
  readonly inputRows: number;
  readonly inputColumns: number;
  /** Subgroups that share the pixels. */
  readonly pixelGroups: number;
  readonly threads: number;
  readonly tilesAcross: number;
  /** Of an image, or of `images` that are computed together. */
  readonly tilesPerImage: number;
  readonly imageGroups: number;
  /** Quads between rows of filters in workgroup memory, and the number of rows. */
  readonly filterStride: number;
  readonly filterRows: number;
  /** Numbers between the results of neighbouring pixels in workgroup memory. */
  readonly resultStride: number;
  /** How a result is finished: threads with different channels, and pixels of a thread for each product. */
  readonly lanes: number;
  readonly pixelsPerThread: number;
}

/** Undefined if matrix products cannot compute this convolution. */
export function usualMatrixConvolutionTile(
  size: ConvolutionSize,
  unit: MatrixUnit,
): MatrixConvolutionTile | undefined {
  const { output } = size;
  const fitting = matrixConvolutionTiles(size, unit);
  const workgroups = (tile: MatrixConvolutionTile): number =>
    (tile.tilesPerImage * tile.imageGroups * output.channels) / (tile.blockProducts * PRODUCT_CHANNELS);
  return fitting.find((tile) => workgroups(tile) >= ENOUGH_WORKGROUPS) ?? fitting[0];
}

/** All tiles within the device's limits, those expected to be fastest first. */
export function matrixConvolutionTiles(
  size: ConvolutionSize,
  { operations, limits }: MatrixUnit,
): MatrixConvolutionTile[] {
  if (!isForMatrices(size)) return [];
  const tiles = [...choices(size)]
    .filter((choice) => covers(size, choice) && sumsOf(choice) <= MOST_SUMS)
    .map((choice) => tileOf(size, choice))
    .filter(
      (tile) =>
        tile.threads <= limits.threads && bytesOf(tile, operations.elementBytes) <= limits.vectors * 16,
    );
  const isCrowded = (tile: MatrixConvolutionTile): boolean => sumsOf(tile) > MOST_SUMS / 2;
  return [...tiles.filter((tile) => !isCrowded(tile)), ...tiles.filter(isCrowded)];
}

const MOST_SUMS = 128;

/** In the registers of a thread. */
const sumsOf = ({ channelProducts, pixelProducts, productPixels }: MatrixConvolutionChoice): number =>
  (channelProducts * pixelProducts * productPixels * PRODUCT_CHANNELS) / SUBGROUP_THREADS;

function isForMatrices({ kind, stride, border, input, output }: ConvolutionSize): boolean {
  return (
    border === 1 &&
    input.channels % PRODUCT_CHANNELS === 0 &&
    output.channels % PRODUCT_CHANNELS === 0 &&
    output.width % (isDilated({ kind, stride }) ? 16 : 8) === 0
  );
}

/** Whether each pixel that is read contributes to several that are written. */
export const isDilated = ({ kind, stride }: Pick<ConvolutionSize, 'kind' | 'stride'>): boolean =>
  kind === 'gradient' && stride === 2;

/** Written pixels of each read one in a dilated convolution, by the parity of row and column. */
export const PARITIES = 4;

function* choices(size: ConvolutionSize): Generator<MatrixConvolutionChoice> {
  if (isDilated(size)) yield* dilatedChoices(size);
  else yield* plainChoices(size);
}

/** A subgroup has one product for each parity. */
function* dilatedChoices({ output }: ConvolutionSize): Generator<MatrixConvolutionChoice> {
  const productPixels = output.width % 32 === 0 ? 16 : 8;
  const columns = 2 * productPixels;
  const channels = output.channels / PRODUCT_CHANNELS;
  for (const blockProducts of [2, 4, 1].filter((count) => channels % count === 0)) {
    for (const rows of [8, 4, 2].filter((count) => count < 2 * output.height)) {
      for (const channelProducts of [blockProducts, blockProducts / 2].filter(Number.isInteger)) {
        const blocks = { blockProducts, channelProducts, pixelProducts: PARITIES };
        yield { productPixels, rows, columns, images: 1, ...blocks };
      }
    }
  }
}

function* plainChoices({ output }: ConvolutionSize): Generator<MatrixConvolutionChoice> {
  const productPixels = output.width % 16 === 0 ? 16 : 8;
  const channels = output.channels / PRODUCT_CHANNELS;
  const [widest] = [4, 2, 1].filter((count) => channels % count === 0);
  let tallest = 1;
  while (tallest < output.height) tallest *= 2;
  for (const blockProducts of [widest!, widest! / 2].filter((count) => count >= 1)) {
    for (const pixels of [256, 128, 64, 32, 16]) {
      for (const columns of [16, 8].filter((count) => output.width % count === 0)) {
        const rows = Math.min(tallest, pixels / columns);
        for (const pixelGroups of [4, 2, 1]) {
          const pixelProducts = pixels / productPixels / pixelGroups;
          if (rows < 1 || !Number.isInteger(pixelProducts) || columns % productPixels !== 0) continue;
          const images = pixels / (rows * columns);
          for (const channelProducts of [blockProducts, blockProducts / 2].filter(Number.isInteger)) {
            yield { productPixels, rows, columns, images, blockProducts, channelProducts, pixelProducts };
          }
        }
      }
    }
  }
}

/** Several images only if a tile covers each of them, and the pixels of a subgroup belong to one. */
function covers({ output }: ConvolutionSize, choice: MatrixConvolutionChoice): boolean {
  const { images, rows, columns, productPixels, pixelProducts } = choice;
  if (images === 1) return true;
  const isWhole = rows >= output.height && columns >= output.width;
  return isWhole && Number.isInteger(images) && (rows * columns) % (productPixels * pixelProducts) === 0;
}

function tileOf(size: ConvolutionSize, choice: MatrixConvolutionChoice): MatrixConvolutionTile {
  const { kind, stride, output, imageCount } = size;
  const { rows, columns, images, productPixels, blockProducts, channelProducts, pixelProducts } = choice;
  const span = (length: number): number => (isDilated(size) ? length / 2 + 1 : (length - 1) * stride + 3);
  const pixelGroups = (images * rows * columns) / (productPixels * pixelProducts);
  const tilesAcross = Math.ceil(output.width / columns);
  const isForward = kind === 'forward';
  return {
    ...choice,
    shape: { m: PRODUCT_CHANNELS, n: productPixels, k: PRODUCT_CHANNELS },
    inputRows: span(rows),
    inputColumns: span(columns),
    pixelGroups,
    threads: (blockProducts / channelProducts) * pixelGroups * SUBGROUP_THREADS,
    tilesAcross,
    tilesPerImage: tilesAcross * Math.ceil(output.height / rows),
    imageGroups: Math.ceil(imageCount / images),
    filterStride: isForward ? blockProducts * QUADS + 2 : 9 * QUADS + 2,
    filterRows: isForward ? 9 * PRODUCT_CHANNELS : blockProducts * PRODUCT_CHANNELS,
    resultStride: blockProducts * PRODUCT_CHANNELS + 4,
    lanes: blockProducts * QUADS,
    pixelsPerThread: (productPixels * channelProducts) / 8,
  };
}

/** Workgroup memory: input, filters, results of one product of each subgroup, and one vector per thread to sum by channel. */
function bytesOf(tile: MatrixConvolutionTile, elementBytes: number): number {
  const { images, inputRows, inputColumns, filterStride, filterRows, ...rest } = tile;
  const operands = images * inputRows * inputColumns * INPUT_STRIDE + filterStride * filterRows;
  const results = rest.pixelGroups * rest.productPixels * rest.resultStride * 4;
  return operands * elementBytes + results + (rest.threads + rest.lanes) * 16;
}

export function matrixTilingOf(size: ConvolutionSize, tile: MatrixConvolutionTile): Tiling {
  const { imageCount, output } = size;
  const { tilesPerImage, images, imageGroups } = tile;
  return {
    tileCount: imageGroups * tilesPerImage,
    tuningKey: convolutionKey(size),
    pixelsOf: (index) => {
      const depth = `min(${images}u, ${imageCount}u - ${index} / ${tilesPerImage}u * ${images}u)`;
      return `(${pixelsOfOneImage(index, tile, output)} * ${depth})`;
    },
  };
}
