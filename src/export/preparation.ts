/** How a picture becomes what the network takes, in words: for the card, and for the metadata of formats. */

import type { ExportedModel } from './exportedModel.js';

export function preparationText(
  { model: { inputShape } }: Pick<ExportedModel, 'model'>,
  axes: readonly string[],
): string {
  const { height, width, channels } = inputShape;
  const colours = channels === 3 ? ', colours as red, green, blue' : '';
  return (
    `images of ${height} rows and ${width} columns of pixels, ${channels === 1 ? '1 channel' : `${channels} channels`}${colours}, ` +
    `as float32 (image, ${axes.join(', ')}); value = (byte / 255 - mean[channel]) / standard_deviation[channel]`
  );
}
