/** The images that a network gets most wrong, as they were before they were standardised. */

import path from 'node:path';
import { ioError, LARGEST_THUMBNAIL_PX, writeNewFile } from '../../coordinator/index.js';
import type { Thumbnail } from '../../coordinator/index.js';
import { imageByteCount, makeFolders } from '../../data/index.js';
import type { ImageSet } from '../../data/index.js';
import { encodePng } from '../../foundation/png.js';
import type { Picture } from '../../foundation/png.js';
import type { JudgedImage } from './analyse.js';

export function pictureOf(set: ImageSet, index: number): Picture {
  const pixels = new Uint8Array(imageByteCount(set.imageShape));
  set.read(index, pixels, 0);
  return { ...set.imageShape, pixels };
}

/** Small enough for a file that holds many: of a larger image every second, third, … pixel. */
export function thumbnailOf({ height, width, channels, pixels }: Picture): Thumbnail {
  const every = Math.ceil(Math.max(height, width) / LARGEST_THUMBNAIL_PX);
  const [rows, columns] = [Math.ceil(height / every), Math.ceil(width / every)];
  const shown = channels === 3 ? 3 : 1;
  const small = new Uint8Array(rows * columns * shown);
  for (let row = 0, to = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = (row * width + column) * every * channels;
      for (let channel = 0; channel < shown; channel++) small[to++] = pixels[from + channel]!;
    }
  }
  return { height: rows, width: columns, channels: shown, pixels: Buffer.from(small).toString('base64') };
}

/**
 * One PNG an image, named by its rank, its place in the test set, its class and what it was taken for, and by its own file's name.
 * @throws LockstepError E_IO
 */
export async function savePngs(
  folder: string,
  images: readonly JudgedImage[],
  { set, classNames }: { readonly set: ImageSet; readonly classNames: readonly string[] },
): Promise<void> {
  await makeFolders(folder).catch((error: unknown) => {
    throw ioError(folder, error);
  });
  for (const [place, { index, label, predicted, file: source }] of images.entries()) {
    const rank = String(place + 1).padStart(2, '0');
    const name = `${rank}-test${index}-${fileWord(classNames[label]!)}-as-${fileWord(classNames[predicted]!)}${sourceWord(source)}.png`;
    const file = path.join(folder, name);
    await writeNewFile(file, encodePng(pictureOf(set, index)));
  }
}

function sourceWord(source: string | undefined): string {
  return source === undefined ? '' : `-${fileWord(path.posix.parse(source).name)}`;
}

/** Three words and the rest stay below the 255 bytes that a name may have. */
const MOST_WORD_BYTES = 60;

/** A class may be called anything; the name of a file may not. */
function fileWord(name: string): string {
  const word = Array.from(name.replace(/[^\p{Letter}\p{Number}_-]+/gu, '_'));
  while (Buffer.byteLength(word.join('')) > MOST_WORD_BYTES) word.pop();
  return word.join('');
}
