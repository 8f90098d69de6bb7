/** What the graph says of an operation's surroundings: what can be deferred, computed again, padded or fused. */

import { IMAGES_VALUE } from '../../graph.js';
import type { Graph, Operation, PixelOperation, ValueIndex } from '../../graph.js';

export type Flow = Pick<Graph, 'operations' | 'values'>;

/** Whether the convolution that follows a pixel operation applies it while it loads its input. */
export function isDeferred({ operations }: Flow, index: number): boolean {
  const next = operations[index + 1];
  return next?.kind === 'convolution' && next.source === operations[index]!.result;
}

/**
 * Whether a pixel operation's result is kept in memory. A result that only the next convolution reads, and that can be
 * computed from one kept value, is computed again in the backward pass.
 */
export function isKept(flow: Flow, index: number): boolean {
  const operation = flow.operations[index]!;
  const isRecomputable =
    operation.kind === 'pixels' && operation.normalisation !== undefined && operation.addend === undefined;
  const isOnlyReader = flow.values[operation.result]!.consumers.length === 1;
  return !(isDeferred(flow, index) && isOnlyReader && isRecomputable);
}

/**
 * Whether a value is kept with a border of zeros: if a convolution reads it, and no reader needs the images without a
 * border. Convolutions write plain results.
 */
export function readsPadded({ operations, values }: Flow, index: ValueIndex): boolean {
  const { producer, consumers } = values[index]!;
  const isWrittenByPixels =
    producer === undefined ||
    (operations[producer]!.kind === 'pixels' && isKept({ operations, values }, producer));
  const readers = consumers.map((consumer) => operations[consumer]!);
  const takesPadded = (reader: Operation): boolean => {
    if (reader.kind === 'convolution' || reader.kind === 'shortcut') return true;
    if (reader.kind === 'window-pool') return true;
    return reader.kind === 'pixels' && (reader.normalisation === undefined || reader.source !== index);
  };
  const isConvolved = readers.some(({ kind }) => kind === 'convolution');
  return isWrittenByPixels && isConvolved && readers.every(takesPadded);
}

/** Whether an operation normalises that value (rather than adding it to one that it normalises). */
export function normalises({ operations }: Flow, operationIndex: number, value: ValueIndex): boolean {
  const operation = operations[operationIndex]!;
  return operation.kind === 'pixels' && operation.normalisation !== undefined && operation.source === value;
}

export function producerOf({ operations, values }: Flow, value: ValueIndex): Operation | undefined {
  const { producer } = values[value]!;
  return producer === undefined ? undefined : operations[producer];
}

/** Whether the convolution before computes batch normalisation's input gradient while it loads it. */
export function fusesNormalisationBackward(flow: Flow, operation: PixelOperation): boolean {
  return (
    operation.normalisation !== undefined &&
    producerOf(flow, operation.source)?.kind === 'convolution' &&
    flow.values[operation.source]!.consumers.length === 1
  );
}

export function wantsGradient(value: ValueIndex): boolean {
  return value !== IMAGES_VALUE;
}
