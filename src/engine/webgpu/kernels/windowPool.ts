/** Pooling by windows, and its gradient, as readings. */

import type { PoolLayer } from '../../../model/index.js';
import type { Reading } from './kernelSource.js';
import { floatText } from './readings.js';

export function pooled(source: Reading, { kind, size, stride }: PoolLayer): Reading {
  return (kernel) => {
    const read = kernel.reader(source);
    const isMaximum = kind === 'max-pool';
    const first = `${read}(image, row * ${stride}u, column * ${stride}u, quad)`;
    const next = `${read}(image, row * ${stride}u + index / ${size}u, column * ${stride}u + index % ${size}u, quad)`;
    return `var total = ${first};
for (var index = 1u; index < ${size * size}u; index++) {
  let value = ${next};
  total = ${isMaximum ? 'max(total, value)' : 'total + value'};
}
return total${isMaximum ? '' : ` * ${floatText(1 / (size * size))}`};`;
  };
}

/** The gradient of each pixel: a sum over its windows. The gradient of a maximum goes to the first pixel that has it. */
export function pooledGradient(source: Reading, gradient: Reading, layer: PoolLayer): Reading {
  const { kind, size, stride, inputShape, outputShape } = layer;
  return (kernel) => {
    const from = kernel.reader(gradient);
    const window = `${from}(image, windowRow, windowColumn, quad)`;
    let add = `sum += ${window} * ${floatText(1 / (size * size))};`;
    if (kind === 'max-pool') {
      const read = kernel.reader(source);
      add = `var wins = vec4<bool>(true);
    for (var index = 0u; index < ${size * size}u; index++) {
      let y = windowRow * ${stride}u + index / ${size}u;
      let x = windowColumn * ${stride}u + index % ${size}u;
      let other = ${read}(image, y, x, quad);
      let isBefore = y * ${inputShape.width}u + x < row * ${inputShape.width}u + column;
      wins = wins & !((other > own) | ((other == own) & vec4<bool>(isBefore)));
    }
    sum += select(vec4f(), ${window}, wins);`;
    }
    const own = kind === 'max-pool' ? `let own = ${kernel.reader(source)}(image, row, column, quad);\n` : '';
    const firstOf = (position: string): string =>
      `select((${position} - ${size}u) / ${stride}u + 1u, 0u, ${position} < ${size}u)`;
    return `${own}var sum = vec4f();
let lastRow = min(row / ${stride}u, ${outputShape.height - 1}u);
let lastColumn = min(column / ${stride}u, ${outputShape.width - 1}u);
for (var windowRow = ${firstOf('row')}; windowRow <= lastRow; windowRow++) {
  for (var windowColumn = ${firstOf('column')}; windowColumn <= lastColumn; windowColumn++) {
    ${add}
  }
}
return sum;`;
  };
}
