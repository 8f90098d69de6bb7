/** The filters of the first layer differ: equal ones get equal gradients, and stay equal. */

import { IMAGES, tensorView } from '../../model/index.js';
import { found, passed } from '../finding.js';
import type { Check } from '../finding.js';

const ALIKE = 0.9999;

export const filters: Check = {
  name: 'filters',
  group: 'start',
  about: 'the first filters of the first layer differ from each other',
  run: (bench) => {
    const layer = bench.subject.model.layers.find(
      (each) => each.input === IMAGES && (each.kind === 'convolution' || each.kind === 'dense'),
    );
    if (!layer || !('weight' in layer)) return { leftOut: 'no layer with weights reads the images' };
    const weight = tensorView(bench.freshState().model.parameters, layer.weight);
    const count = layer.outputShape.channels;
    if (weight.every((value) => value === 0)) return { leftOut: `layer ${layer.name} starts with zeros` };
    const pairs = equalPairs(weight, count);
    const expected = `${count} different filters in layer ${layer.name}`;
    if (pairs.length === 0) return passed(expected, 'no two are alike');
    return found('fail', {
      expected,
      seen: `filters ${pairs[0]!.join(' and ')} are alike${pairs.length > 1 ? `, and ${pairs.length - 1} more pairs` : ''}`,
      advice: 'start the layer with random weights: filters that are equal stay equal',
    });
  },
};

/** @param weight (inputs, filters) */
function equalPairs(weight: Float32Array, count: number): readonly (readonly [number, number])[] {
  const filterOf = (filter: number): Float64Array =>
    Float64Array.from({ length: weight.length / count }, (_, input) => weight[input * count + filter]!);
  const all = Array.from({ length: count }, (_, filter) => filterOf(filter));
  return all.flatMap((a, first) =>
    all.slice(first + 1).flatMap((b, place) => (alike(a, b) ? [[first, first + 1 + place] as const] : [])),
  );
}

/** Up to a factor above 0. */
function alike(a: Float64Array, b: Float64Array): boolean {
  const dot = (x: Float64Array, y: Float64Array): number =>
    x.reduce((sum, value, at) => sum + value * y[at]!, 0);
  const size = Math.sqrt(dot(a, a) * dot(b, b));
  return size > 0 && dot(a, b) > ALIKE * size;
}
