/** The upload of each micro-batch, in one piece: images, targets, and the dropout masks that the host draws. */

import { elementCount } from '../../../model/index.js';
import type { ActivationShape, Model } from '../../../model/index.js';
import type { DropoutOperation, Graph } from '../../graph.js';
import { aligned, allocate } from '../kernels/kernelSource.js';
import type { Range } from '../kernels/kernelSource.js';
import type { PixelInput } from '../kernels/prepare.js';
import { paddingLanes } from '../kernels/shapes.js';

export interface MaskInput {
  readonly operation: DropoutOperation;
  readonly range: Range;
}

/** What a micro-batch contains: prepared images, or the bytes of the data set. */
export type InputKind = 'images' | 'pixels';

export type ImageInput =
  { readonly kind: 'images'; readonly images: Range } | ({ readonly kind: 'pixels' } & PixelInput);

export interface PassInput {
  /** The whole range; the others are parts of it. */
  readonly whole: Range;
  readonly source: ImageInput;
  readonly labels: Range;
  /** Two numbers: the smoothing, and the share of an image's own label, which is 1 for images that are not mixed. */
  readonly labelSmoothing: Range;
  /** Of the images that are mixed in. */
  readonly otherLabels: Range;
  /** Only in training: evaluation drops nothing. */
  readonly masks: ReadonlyMap<DropoutOperation, MaskInput>;
}

export interface InputOptions {
  readonly model: Model;
  readonly graph: Graph;
  readonly imageCount: number;
  readonly isTraining: boolean;
  readonly inputKind: InputKind;
}

export function inputOf(options: InputOptions): PassInput {
  const { model, graph, imageCount, isTraining, inputKind } = options;
  const dropouts = graph.operations.filter((operation) => operation.kind === 'dropout');
  const dropping = isTraining ? dropouts : [];
  const sources = sourceParts(model, imageCount, inputKind);
  const parts = [
    ...[imageCount, 2, imageCount].map(exactly),
    ...sources,
    ...dropping.map(({ source }) => packedPart(imageCount, graph.values[source]!.shape)),
  ];
  const whole = allocate(
    'input',
    parts.reduce((total, part) => total + spaceOf(part), 0),
  );
  const [labels, labelSmoothing, otherLabels, ...others] = split(whole, parts);
  const maskRanges = others.splice(sources.length);
  const masks = new Map(
    dropping.map((operation, index) => [operation, { operation, range: maskRanges[index]! }]),
  );
  const [first, windows, table] = others;
  const source: ImageInput =
    inputKind === 'images'
      ? { kind: 'images', images: first! }
      : { kind: 'pixels', pixels: first!, windows: windows!, table: table! };
  const targets = { labels: labels!, labelSmoothing: labelSmoothing!, otherLabels: otherLabels! };
  return { whole, source, ...targets, masks };
}

/** In elements of four bytes. */
interface Part {
  readonly length: number;
  /** Elements behind it that kernels load, and ignore. */
  readonly behind: number;
}

const spaceOf = ({ length, behind }: Part): number => aligned(length + behind);
const exactly = (length: number): Part => ({ length, behind: 0 });

/** What `packed` reads. */
const packedPart = (imageCount: number, shape: ActivationShape): Part => ({
  length: imageCount * elementsOf(shape),
  behind: paddingLanes(shape),
});

/** Images; or pixels, windows and table. */
function sourceParts({ inputShape }: Model, imageCount: number, inputKind: InputKind): Part[] {
  if (inputKind === 'images') return [packedPart(imageCount, inputShape)];
  const bytes = imageCount * elementsOf(inputShape);
  return [Math.ceil(bytes / 4), imageCount, 256 * inputShape.channels].map(exactly);
}

const elementsOf = ({ height, width, channels }: ActivationShape): number =>
  elementCount([height, width, channels]);

/** Consecutive parts of a range, at offsets that can be bound. */
function split({ storage }: Range, parts: readonly Part[]): Range[] {
  let offset = 0;
  return parts.map((part) => {
    const range = { storage, offset, length: part.length };
    offset += spaceOf(part);
    return range;
  });
}
