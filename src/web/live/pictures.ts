/** Small pictures on canvases: images of a data set, and the filters of a layer. Never a file that a browser decodes. */

import type { EvaluationAnswer, FiltersAnswer } from '../../watch/live/api.js';
import { element } from './dom.js';

type Thumbnail = NonNullable<EvaluationAnswer['worstImages'][number]['image']>;
type Filters = NonNullable<FiltersAnswer>;

export function imageCanvas({ pixels, ...shape }: Thumbnail, label: string): HTMLCanvasElement {
  const bytes = Uint8Array.from(atob(pixels), (character) => character.charCodeAt(0));
  return canvasOf({ ...shape, pixels: bytes }, label);
}

/** Bytes of an image, as a network takes it. */
export function canvasOf(
  { height, width, channels, pixels }: Omit<Thumbnail, 'pixels'> & { readonly pixels: Uint8Array },
  label: string,
): HTMLCanvasElement {
  return drawn(height, width, label, (row, column, channel) => {
    const from = (row * width + column) * channels;
    return pixels[from + (channels === 3 ? channel : 0)]!;
  });
}

/** Grey is 0; the brightest and the darkest value are the largest of the whole layer, so filters can be compared. */
export function filterCanvases(filters: Filters): readonly HTMLCanvasElement[] {
  const { height, width, channels, filters: count, values } = filters;
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  return Array.from({ length: count }, (_, filter) =>
    drawn(height, width, `filter ${filter + 1} of ${count}`, (row, column, channel) => {
      const from = (row * width + column) * channels + (channels === 3 ? channel : 0);
      return 127.5 + (127.5 * values[from * count + filter]!) / largest;
    }),
  );
}

function drawn(
  height: number,
  width: number,
  label: string,
  valueAt: (row: number, column: number, channel: number) => number,
): HTMLCanvasElement {
  const canvas = element('canvas', { role: 'img', 'aria-label': label, title: label });
  canvas.height = height;
  canvas.width = width;
  const picture = new ImageData(width, height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const to = 4 * (row * width + column);
      for (let channel = 0; channel < 3; channel++)
        picture.data[to + channel] = valueAt(row, column, channel);
      picture.data[to + 3] = 255;
    }
  }
  canvas.getContext('2d')!.putImageData(picture, 0, 0);
  return canvas;
}
