/** What goes up for each micro-batch, in one piece: images, targets, and the dropout masks that the host draws. */

import { elementCount } from '../../../model/index.js';
import type { ActivationShape, Model } from '../../../model/index.js';
import type { DropoutOperation, Graph } from '../../graph.js';
import { aligned, allocate } from '../kernels/kernelSource.js';
import type { Range } from '../kernels/kernelSource.js';

export interface MaskInput {
  readonly operation: DropoutOperation;
  readonly range: Range;
}

export interface PassInput {
  /** All of it, of which the others are parts. */
  readonly whole: Range;
  readonly images: Range;
  readonly labels: Range;
  /** One number. */
  readonly labelSmoothing: Range;
  /** Only in training: elsewhere nothing is dropped. */
  readonly masks: ReadonlyMap<DropoutOperation, MaskInput>;
}

export function inputOf(model: Model, graph: Graph, imageCount: number, isTraining: boolean): PassInput {
  const dropouts = graph.operations.filter((operation) => operation.kind === 'dropout');
  const dropping = isTraining ? dropouts : [];
  const lengths = [
    imageCount * elementsOf(model.inputShape),
    imageCount,
    1,
    ...dropping.map(({ source }) => imageCount * elementsOf(graph.values[source]!.shape)),
  ];
  const whole = allocate(
    'input',
    lengths.reduce((total, length) => total + aligned(length), 0),
  );
  const [images, labels, labelSmoothing, ...maskRanges] = split(whole, lengths);
  const masks = new Map(
    dropping.map((operation, index) => [operation, { operation, range: maskRanges[index]! }]),
  );
  return { whole, images: images!, labels: labels!, labelSmoothing: labelSmoothing!, masks };
}

const elementsOf = ({ height, width, channels }: ActivationShape): number =>
  elementCount([height, width, channels]);

/** Parts of a range, one after another at offsets that can be bound. */
function split({ storage }: Range, lengths: readonly number[]): Range[] {
  let offset = 0;
  return lengths.map((length) => {
    const part = { storage, offset, length };
    offset += aligned(length);
    return part;
  });
}
