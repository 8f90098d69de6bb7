/** One pass over images: what the checks of the data need to know of each. */

import { createHash } from 'node:crypto';
import { imageByteCount } from '../../data/index.js';
import type { ImageSet } from '../../data/index.js';
import type { Workbench } from '../workbench.js';

export interface ScannedImage {
  /** Place in its set. */
  readonly index: number;
  readonly label: number;
  /** Of the pixels. */
  readonly digest: string;
  /** Largest less smallest byte; 0: one value everywhere. */
  readonly range: number;
  readonly isBlack: boolean;
  /** Share of its last rows that hold one colour. */
  readonly emptyShare: number;
}

export interface Scan {
  readonly training: readonly ScannedImage[];
  readonly validation: readonly ScannedImage[];
  /** Undefined: the test set is left alone. */
  readonly test: readonly ScannedImage[] | undefined;
}

/** Images to scan before anything else may run. */
const BLOCK = 1000;

export function scanOf(bench: Workbench): Promise<Scan> {
  return bench.once('scan', async () => {
    const { set, split, openTestSet } = bench.subject.data;
    const training = await scanImages(set, split.training, bench.signal);
    const validation = await scanImages(set, split.validation, bench.signal);
    if (!openTestSet) return { training, validation, test: undefined };
    const test = await openTestSet();
    const all = Uint32Array.from({ length: test.sampleCount }, (_, index) => index);
    return { training, validation, test: await scanImages(test, all, bench.signal) };
  });
}

async function scanImages(
  set: ImageSet,
  samples: Uint32Array,
  signal: AbortSignal,
): Promise<readonly ScannedImage[]> {
  const pixels = new Uint8Array(imageByteCount(set.imageShape));
  const scanned: ScannedImage[] = [];
  for (const [place, index] of samples.entries()) {
    if (place % BLOCK === 0) {
      await new Promise(setImmediate);
      signal.throwIfAborted();
    }
    const label = set.read(index, pixels, 0);
    scanned.push({ index, label, ...lookAt(pixels, set) });
  }
  return scanned;
}

function lookAt(
  pixels: Uint8Array,
  { imageShape: { height, width, channels } }: ImageSet,
): Omit<ScannedImage, 'index' | 'label'> {
  let lowest = 255;
  let highest = 0;
  for (const value of pixels) {
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  const digest = createHash('sha256').update(pixels).digest('hex').slice(0, 32);
  const emptyRows = rowsOfOneColour(pixels, width * channels, channels);
  return { digest, range: highest - lowest, isBlack: highest === 0, emptyShare: emptyRows / height };
}

/** Rows at the end that hold the colour of the last pixel: a file that was cut off leaves them. */
function rowsOfOneColour(pixels: Uint8Array, rowLength: number, channels: number): number {
  let at = pixels.length - 1;
  while (at >= channels && pixels[at] === pixels[at - channels]) at--;
  const same = at < channels ? pixels.length : pixels.length - 1 - at;
  return Math.floor(same / rowLength);
}
