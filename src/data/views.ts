/** Multi-view evaluation: a sample's logits are the weighted mean of those of several views of its image. */

import type { Augmentation } from './augmentation.js';

/** none: the image alone; flip: and its mirror image; full: and both, moved by one pixel. */
export const VIEW_SETS = ['none', 'flip', 'full'] as const;
export type ViewSet = (typeof VIEW_SETS)[number];

export interface View {
  readonly window: Augmentation;
  readonly weight: number;
}

/** The weights of each set sum to 1. `full` is that of airbench94 (arXiv:2404.00498, section 3.5). */
export const VIEWS: Readonly<Record<ViewSet, readonly View[]>> = {
  none: [view(0, false, 1)],
  flip: [view(0, false, 0.5), view(0, true, 0.5)],
  full: [
    ...[view(0, false, 0.25), view(0, true, 0.25)],
    ...[view(-1, false, 0.125), view(-1, true, 0.125)],
    ...[view(1, false, 0.125), view(1, true, 0.125)],
  ],
};

/** @param shift pixels by which the window is moved down and to the right */
function view(shift: number, mirrored: boolean, weight: number): View {
  return { window: { top: shift, left: shift, mirrored, hole: undefined }, weight };
}
