/** How a picture becomes what the network takes, in words: for the card, and for the metadata of formats. */

import type { Recipe } from '../coordinator/index.js';
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

const GREY =
  'Where a picture is in colour, grey is made of red, green and blue by ITU-R BT.601, as Pillow does in `convert("L")`';
const COLOUR = 'Grey pictures have the same value in red, green and blue';

/** How files of pictures became such images (docs/data.md). Paragraphs for the card; none for data that are images already. */
export function picturesText({ dataset, imageSize, channels }: Recipe): readonly string[] {
  if (dataset !== 'folder') return [];
  const size = `${imageSize} x ${imageSize}`;
  return [
    `Training made them of picture files in these steps. A picture is turned upright (EXIF). Transparent places become white. ` +
      `${channels === 'grey' ? GREY : COLOUR}. Of a picture that is not ${size} already, the largest centred square is cut out and ` +
      `resized to ${size} by a triangle filter that is widened where it shrinks: Pillow's \`resize\` with \`BILINEAR\`. ` +
      'Colour profiles are ignored, except for CMYK; of 16 bits the upper 8 are used.',
  ];
}
