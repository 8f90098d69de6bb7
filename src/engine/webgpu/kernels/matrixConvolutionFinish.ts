/** The end of a convolution by matrix products: from the sums of subgroups to finished pixels. */

import { finishStatements } from './finish.js';
import { indices } from './kernelSource.js';
import type { KernelSource } from './kernelSource.js';
import { gridOf, sumName } from './matrixConvolutionParts.js';
import type { MatrixConvolutionOptions } from './matrixConvolutionParts.js';
import { isDilated, matrixTilingOf, PRODUCT_CHANNELS } from './matrixConvolutionTile.js';
import { GRADIENT_SCALE } from './matrixOperations.js';
import { floatText } from './readings.js';

const valueName = (product: number, pixel: number): string => `value${product}x${pixel}`;

/**
 * Distributes the sums to threads, one product of every subgroup at a time, so that each thread has four channels of some
 * pixels; then finishes them.
 */
export function finishProducts(kernel: KernelSource, options: MatrixConvolutionOptions): string {
  const { output, imageCount, tile } = options;
  const { productPixels, pixelProducts, pixelsPerThread, lanes, images, tilesPerImage } = tile;
  const { across, down, perGroup } = gridOf(options);
  const dilated = isDilated(options);
  const isRagged = imageCount % images !== 0;
  const pixels = indices(pixelProducts).flatMap((product) =>
    indices(pixelsPerThread).map((pixel) => ({
      row: `row${product}`,
      column: `column${product} + ${dilated ? 2 * pixel : pixel}u`,
      value: valueName(product, pixel),
    })),
  );
  const places = indices(pixelProducts).map((product) => {
    const at = `(slot / ${productPixels}u * ${perGroup}u + ${dilated ? 0 : product}u)`;
    const row = `${at} / ${across}u % ${down}u`;
    const column = `(${at} % ${across}u * ${productPixels}u + slot % ${productPixels}u)`;
    const [rowParity, columnParity] = [Math.floor(product / 2), product % 2];
    return `
let row${product} = firstRow + ${dilated ? `${row} * 2u + ${rowParity}u` : row}${isRagged ? ' + outside' : ''};
let column${product} = firstColumn + ${dilated ? `${column} * 2u + ${columnParity}u` : column};`;
  });
  return `
let lane = thread % ${lanes}u;
let slot = thread / ${lanes}u * ${pixelsPerThread}u;
${indices(pixelProducts)
  .map((product) => handOver(options, product))
  .join('\n')}
let imageOrBeyond = firstImage + slot / ${productPixels}u * ${perGroup}u / ${across * down}u;
let image = ${isRagged ? `min(imageOrBeyond, ${imageCount - 1}u)` : 'imageOrBeyond'};
${isRagged ? `let outside = select(0u, 0x40000000u, imageOrBeyond > image);` : ''}
${places.join('')}
${finishStatements(kernel, options.finish, {
  shape: output,
  result: options.result,
  pixels,
  quad: `group.y * ${lanes}u + lane`,
  tile: `group.z * ${tilesPerImage}u + group.x`,
  pixelsOfTile: matrixTilingOf(options, tile).pixelsOf(`(group.z * ${tilesPerImage}u + group.x)`),
  lanes,
  groups: tile.threads / lanes,
})}`;
}

function handOver({ kind, tile, operations }: MatrixConvolutionOptions, product: number): string {
  const { channelProducts, productPixels, pixelsPerThread, resultStride, shape } = tile;
  const stores = indices(channelProducts).map((channels) =>
    operations.storeSum(
      sumName(channels, product),
      {
        array: 'results',
        offset: `pixelGroup * ${productPixels * resultStride}u + (channelGroup + ${channels}u) * ${PRODUCT_CHANNELS}u`,
        stride: resultStride,
        order: 'col_major',
      },
      shape,
    ),
  );
  const scale = kind === 'gradient' ? ` * ${floatText(1 / GRADIENT_SCALE)}` : '';
  const loads = indices(pixelsPerThread).map((pixel) => {
    const at = `(slot + ${pixel}u) * ${resultStride}u + lane * 4u`;
    const lane = (index: number): string => `results[${at} + ${index}u]`;
    return `var ${valueName(product, pixel)} = vec4f(${[0, 1, 2, 3].map(lane).join(', ')})${scale};`;
  });
  return [...stores, 'workgroupBarrier();', ...loads, 'workgroupBarrier();'].join('\n');
}
