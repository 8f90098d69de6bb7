/** The filters of a network's first convolution as a picture, from a checkpoint, of which it reads as little as it can. */

import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { isRecord } from '../../foundation/isRecord.js';
import { floatsFromLittleEndian } from '../../foundation/littleEndian.js';
import type { Picture } from '../../foundation/png.js';

const LENGTH_BYTES = 8;
const MOST_HEADER_BYTES = 16 << 20;
/** Beyond this nobody would tell the filters apart. */
const MOST_FILTERS = 256;
const LARGEST_FILTER_PX = 16;
const TILE_PX = 32;
const GAP_PX = 2;
/** Copies of the weights that are not the current ones. */
const OTHER_COPY = /^(momentum|best|averaged)\./;
const GREY_LEVELS = 255;

interface Filters {
  readonly height: number;
  readonly width: number;
  /** 1 or 3. */
  readonly channels: number;
  readonly count: number;
  readonly weights: Float32Array; // (height, width, channels, count)
}

/** @returns undefined if the network does not begin with filters over grey or colour images. @throws for no such file */
export async function firstFilters(checkpointFile: string): Promise<Picture | undefined> {
  const handle = await open(checkpointFile, 'r');
  try {
    const filters = await readFilters(handle);
    return filters && draw(filters);
  } finally {
    await handle.close();
  }
}

async function readFilters(handle: FileHandle): Promise<Filters | undefined> {
  const headerBytes = Number((await readBytes(handle, 0, LENGTH_BYTES)).readBigUInt64LE());
  if (headerBytes > MOST_HEADER_BYTES) return undefined;
  const header: unknown = JSON.parse((await readBytes(handle, LENGTH_BYTES, headerBytes)).toString('utf8'));
  for (const [name, entry] of Object.entries(isRecord(header) ? header : {})) {
    if (OTHER_COPY.test(name) || !isRecord(entry)) continue;
    const [shape, offsets] = [entry['shape'], entry['data_offsets']];
    if (!isShape(shape) || !Array.isArray(offsets)) continue;
    const [height, width, channels, count] = shape;
    const isShown = [1, 3].includes(channels) && count <= MOST_FILTERS;
    if (!isShown || Math.max(height, width) > LARGEST_FILTER_PX) return undefined;
    const byteCount = height * width * channels * count * Float32Array.BYTES_PER_ELEMENT;
    const begin = LENGTH_BYTES + headerBytes + Number(offsets[0]);
    const weights = floatsFromLittleEndian(await readBytes(handle, begin, byteCount));
    return { height, width, channels, count, weights };
  }
  return undefined;
}

function isShape(shape: unknown): shape is [number, number, number, number] {
  return Array.isArray(shape) && shape.length === 4 && shape.every(Number.isSafeInteger);
}

async function readBytes(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await handle.read(bytes, 0, length, position);
  if (bytesRead < length) throw new Error('the checkpoint ends early');
  return bytes;
}

/** One tile a filter, in rows; each from its own smallest weight to its largest. */
function draw(filters: Filters): Picture {
  const { height, width, channels, count } = filters;
  const scale = Math.max(1, Math.floor(TILE_PX / Math.max(height, width)));
  const columns = Math.ceil(Math.sqrt(count));
  const rows = Math.ceil(count / columns);
  const [tileHeight, tileWidth] = [height * scale + GAP_PX, width * scale + GAP_PX];
  const picture = { height: rows * tileHeight + GAP_PX, width: columns * tileWidth + GAP_PX, channels };
  const pixels = new Uint8Array(picture.height * picture.width * channels).fill(GREY_LEVELS);
  for (let filter = 0; filter < count; filter++) {
    const level = levelsOf(filters, filter);
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
function levelsOf({ weights, count }: Filters, filter: number): (place: number) => number {
  let [low, high] = [Infinity, -Infinity];
  for (let index = filter; index < weights.length; index += count) {
    low = Math.min(low, weights[index]!);
    high = Math.max(high, weights[index]!);
  }
  const range = high - low || 1;
  return (place) => Math.round((GREY_LEVELS * (weights[place * count + filter]! - low)) / range);
}
