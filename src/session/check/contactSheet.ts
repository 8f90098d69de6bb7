/** What the network really gets, decoded back to pictures: rows of images, before and after augmentation. */

import path from 'node:path';
import type { Subject } from '../../check/index.js';
import { ioError, writeNewFile } from '../../coordinator/index.js';
import {
  augmentationKey,
  decodeImages,
  drawSheet,
  alternatingFlips,
  gatherSamples,
  imageByteCount,
  makeFolders,
  prepareImages,
} from '../../data/index.js';
import type { AugmentationOptions } from '../../data/index.js';
import { encodePng } from '../../foundation/png.js';
import type { Picture } from '../../foundation/png.js';

const IMAGES = 64;
const COLUMNS = 8;
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
    await writeNewFile(file, encodePng(sheetOf(subject, augmentation)));
    files.push(file);
  }
  return files;
}

function samplesOf({ data }: Subject): Uint32Array {
  return data.split.training.subarray(0, IMAGES);
}

function augmentationOf(subject: Subject, epoch: number): AugmentationOptions {
  const { seed, flip, cropPadding, border, cutout, colourJitter, mixup } = subject.recipe;
  const mirrored = flip === 'alternating' ? alternatingFlips(seed, epoch, samplesOf(subject)) : undefined;
  const settings = { cropPadding, border, cutout, colourJitter, mixup };
  return { ...settings, key: augmentationKey(seed, epoch, 0, 0), mirrored };
}

function sheetOf(subject: Subject, augmentation: AugmentationOptions | undefined): Picture {
  const { set, normalisation } = subject.data;
  const { imageShape } = set;
  const samples = samplesOf(subject);
  const { pixels } = gatherSamples(set, samples);
  const sampleCount = samples.length;
  const prepared = prepareImages({ pixels, imageShape, sampleCount, normalisation, augmentation });
  const bytes = decodeImages(prepared, normalisation);
  const length = imageByteCount(imageShape);
  const stacks = Array.from(samples, (_, place) => [bytes.subarray(place * length, (place + 1) * length)]);
  return drawSheet(stacks, imageShape, COLUMNS);
}
