/** What the network really gets, decoded back to pictures: rows of images, before and after augmentation. */

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Subject } from '../../check/index.js';
import { ioError } from '../../coordinator/index.js';
import {
  augmentationKey,
  decodeImages,
  drawImage,
  alternatingFlips,
  gatherSamples,
  imageByteCount,
  makeFolders,
  prepareImages,
} from '../../data/index.js';
import type { AugmentationOptions, ImageShape } from '../../data/index.js';
import { encodePng } from '../../foundation/png.js';
import type { Picture } from '../../foundation/png.js';

const IMAGES = 64;
const COLUMNS = 8;
const GAP_PX = 2;
const EPOCHS_SHOWN = 2;

/**
 * The first training images: as they are, and as two epochs augment them.
 * @returns the files, in a new or an empty folder
 * @throws LockstepError E_IO
 */
export async function saveContactSheets(folder: string, subject: Subject): Promise<readonly string[]> {
  await makeFolders(folder).catch((error: unknown) => {
    throw ioError(folder, error);
  });
  const { augment } = subject.recipe;
  const sheets: (readonly [string, AugmentationOptions | undefined])[] = [['inputs.png', undefined]];
  for (let epoch = 0; augment && epoch < EPOCHS_SHOWN; epoch++) {
    sheets.push([`augmented-epoch${epoch + 1}.png`, augmentationOf(subject, epoch)]);
  }
  const files: string[] = [];
  for (const [name, augmentation] of sheets) {
    const file = path.join(folder, name);
    await writeFile(file, encodePng(sheetOf(subject, augmentation)), { flag: 'wx' }).catch(
      (error: unknown) => {
        throw ioError(file, error);
      },
    );
    files.push(file);
  }
  return files;
}

function samplesOf({ data }: Subject): Uint32Array {
  return data.split.training.subarray(0, IMAGES);
}

function augmentationOf(subject: Subject, epoch: number): AugmentationOptions {
  const { seed, flip, cropPadding, border, cutout } = subject.recipe;
  const mirrored = flip === 'alternating' ? alternatingFlips(seed, epoch, samplesOf(subject)) : undefined;
  return { key: augmentationKey(seed, epoch, 0, 0), cropPadding, border, cutout, mirrored };
}

function sheetOf(subject: Subject, augmentation: AugmentationOptions | undefined): Picture {
  const { set, normalisation } = subject.data;
  const { imageShape } = set;
  const samples = samplesOf(subject);
  const { pixels } = gatherSamples(set, samples);
  const sampleCount = samples.length;
  const prepared = prepareImages({ pixels, imageShape, sampleCount, normalisation, augmentation });
  return tile(decodeImages(prepared, normalisation), imageShape);
}

/** Images side by side, on white. */
function tile(pixels: Uint8Array, shape: ImageShape): Picture {
  const { height, width, channels } = shape;
  const imageLength = imageByteCount(shape);
  const count = pixels.length / imageLength;
  const [rows, columns] = [Math.ceil(count / COLUMNS), Math.min(COLUMNS, count)];
  const sheet = {
    height: rows * (height + GAP_PX) - GAP_PX,
    width: columns * (width + GAP_PX) - GAP_PX,
    channels,
  };
  const all = new Uint8Array(sheet.height * sheet.width * channels).fill(255);
  for (let image = 0; image < count; image++) {
    const top = Math.floor(image / COLUMNS) * (height + GAP_PX);
    const left = (image % COLUMNS) * (width + GAP_PX);
    const from = pixels.subarray(image * imageLength, (image + 1) * imageLength);
    drawImage(from, shape, 1, { pixels: all, width: sheet.width, top, left });
  }
  return { ...sheet, pixels: all };
}
