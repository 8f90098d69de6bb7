/** The tensors of a layer: how a description may freeze and start them, and what is refused. */

import { z } from 'zod';
import { shapeText } from './geometry.js';
import { NETWORK_LIMITS } from './limits.js';
import { IMAGES } from './layers.js';
import type { ActivationShape, Initialisation, TensorSpec } from './layers.js';
import { elementCount } from './layout.js';
import type { LayoutBuilder } from './layout.js';

/** Of airbench94 (arXiv:2404.00498). */
const WHITENING_EPSILON = 5e-4;

/** Still finite as float32. */
const LARGEST_VALUE = 3e38;

/** How a tensor starts; see `Initialisation`. */
export const initialSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('kaiming') }),
  z.strictObject({ kind: z.literal('dirac') }),
  z.strictObject({ kind: z.literal('zero') }),
  z.strictObject({
    kind: z.literal('whitening'),
    epsilon: z.number().min(1e-12).max(1).default(WHITENING_EPSILON),
  }),
  z.strictObject({
    kind: z.literal('values'),
    values: z.array(z.number().min(-LARGEST_VALUE).max(LARGEST_VALUE)),
  }),
]);

export const INITIAL_KINDS: readonly string[] = initialSchema.options.map(({ shape }) => shape.kind.value);

/** What is known of a layer before its own options count. */
export interface Placement {
  readonly name: string;
  readonly input: number;
  readonly inputShape: ActivationShape;
  /** Finds another input by name. */
  readonly inputNamed: (name: string) => { readonly index: number; readonly shape: ActivationShape };
  /** Reserves tensors. */
  readonly layout: LayoutBuilder;
  /** Refuses the layer. @param why the rule and the remedy */
  readonly refuse: (why: string) => never;
}

/** What a description says of a layer's tensors. */
interface TensorWords {
  readonly frozen?: readonly string[] | undefined;
  readonly initial?: Readonly<Partial<Record<string, Initialisation>>> | undefined;
}

export function tensor(
  { frozen, initial }: TensorWords,
  which: 'weight' | 'bias' | 'scale' | 'shift',
  shape: readonly number[],
  { name, layout, refuse }: Placement,
): TensorSpec {
  const start = initial?.[which];
  const length = elementCount(shape);
  if (start?.kind === 'values' && start.values.length !== length) {
    refuse(`initial ${which} has ${start.values.length} values and must have ${length}; give one for each`);
  }
  if ((start?.kind === 'dirac' || start?.kind === 'whitening') && shape.length !== 4) {
    refuse(`initial ${which} cannot be ${start.kind}, which is for weights of convolutions; leave it out`);
  }
  if (start?.kind === 'kaiming' && which !== 'weight') {
    refuse(`initial ${which} cannot be kaiming, which is for weights; leave it out`);
  }
  return layout.parameter(`${name}.${which}`, shape, {
    ...(frozen?.includes(which) && { frozen: true }),
    ...(start && { initial: start }),
  });
}

/** @param shape of the weight: (K, K, Cin, Cout) */
export function checkWhitening(shape: readonly number[], { input, inputShape, refuse }: Placement): void {
  const [kernelSize, filters] = [shape[0]!, shape[3]!];
  const patchElements = elementCount(shape.slice(0, 3));
  const most = 2 * patchElements;
  if (input !== IMAGES)
    refuse('initial weight cannot be whitening, which is for a layer that reads the images');
  if (kernelSize > Math.min(inputShape.height, inputShape.width)) {
    refuse(
      `initial weight cannot be whitening: images of ${shapeText(inputShape)} hold no patch of ${kernelSize}x${kernelSize}; use a smaller kernelSize`,
    );
  }
  if (patchElements > NETWORK_LIMITS.whitenedElements) {
    refuse(
      `initial weight cannot be whitening: a patch has ${patchElements} elements (${kernelSize} x ${kernelSize} x the channels), and at most ${NETWORK_LIMITS.whitenedElements} are possible; use a smaller kernelSize`,
    );
  }
  if (filters % 2 === 0 && filters <= most) return;
  refuse(
    `initial weight whitening makes an even number of channels, at most ${most}; change channels ${filters}`,
  );
}

/** A tensor that a layer does not have cannot be frozen or started. */
export function refuseWordsOn(
  which: 'bias',
  isThere: boolean,
  { frozen, initial }: TensorWords,
  { refuse }: Placement,
): void {
  if (isThere || !(frozen?.includes(which) || initial?.[which])) return;
  refuse(`it has no ${which} to freeze or to start; set "${which}": true`);
}
