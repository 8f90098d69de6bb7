/** The filters of a network's first convolution as a picture, from a checkpoint. */

import type { Picture } from '../../foundation/png.js';
import { readFirstFilters } from '../folders/firstLayer.js';
import type { FirstFilters } from '../folders/firstLayer.js';

/** Beyond this nobody would tell the filters apart. */
const MOST_FILTERS = 256;
const LARGEST_FILTER_PX = 16;
const TILE_PX = 32;
const GAP_PX = 2;
const GREY_LEVELS = 255;

/** @returns undefined if there is no such file, or the network does not begin with filters over grey or colour images */
export async function firstFilters(checkpointFile: string): Promise<Picture | undefined> {
  const found = await readFirstFilters(checkpointFile);
  if (!found) return undefined;
  const { height, width, channels, filters } = found;
  const isShown = [1, 3].includes(channels) && filters <= MOST_FILTERS;
  return isShown && Math.max(height, width) <= LARGEST_FILTER_PX ? draw(found) : undefined;
}

/** One tile a filter, in rows; each from its own smallest weight to its largest. */
function draw(found: FirstFilters): Picture {
  const { height, width, channels, filters: count } = found;
  const scale = Math.max(1, Math.floor(TILE_PX / Math.max(height, width)));
  const columns = Math.ceil(Math.sqrt(count));
  const rows = Math.ceil(count / columns);
  const [tileHeight, tileWidth] = [height * scale + GAP_PX, width * scale + GAP_PX];
  const picture = { height: rows * tileHeight + GAP_PX, width: columns * tileWidth + GAP_PX, channels };
  const pixels = new Uint8Array(picture.height * picture.width * channels).fill(GREY_LEVELS);
  for (let filter = 0; filter < count; filter++) {
    const level = levelsOf(found, filter);
    const top = Math.floor(filter / columns) * tileHeight + GAP_PX;
    const left = (filter % columns) * tileWidth + GAP_PX;
    for (let y = 0; y < height * scale; y++) {
      for (let x = 0; x < width * scale; x++) {
        const weight = (Math.floor(y / scale) * width + Math.floor(x / scale)) * channels;
        const pixel = ((top + y) * picture.width + left + x) * channels;
        for (let channel = 0; channel < channels; channel++)
          pixels[pixel + channel] = level(weight + channel);
      }
    }
  }
  return { ...picture, pixels };
}

/** @returns the grey level of a weight of this filter, by its place in (height, width, channels) */
function levelsOf(
  { values: weights, filters: count }: FirstFilters,
  filter: number,
): (place: number) => number {
  let [low, high] = [Infinity, -Infinity];
  for (let index = filter; index < weights.length; index += count) {
    low = Math.min(low, weights[index]!);
    high = Math.max(high, weights[index]!);
  }
  const range = high - low || 1;
  return (place) => Math.round((GREY_LEVELS * (weights[place * count + filter]! - low)) / range);
}
