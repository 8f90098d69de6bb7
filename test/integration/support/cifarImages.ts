/** CIFAR-10's images, read by this file alone, to be written in other forms. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pngFile } from '../../data/pictures/pngFile.js';

const RECORD = 3073;
const PLANE = 1024;
export const CIFAR10_CLASSES = 'airplane automobile bird cat deer dog frog horse ship truck'.split(' ');

export interface CifarImages {
  readonly labels: Uint8Array;
  /** (N, 3, 32, 32) */
  readonly planar: Uint8Array;
  /** (N, 32, 32, 3) */
  readonly pixels: Uint8Array;
}

/** @param files of `cifar-10-batches-bin` */
export function readCifarImages(dataDir: string, files: readonly string[]): CifarImages {
  const bytes = Buffer.concat(
    files.map((file) => readFileSync(path.join(dataDir, 'cifar-10-batches-bin', file))),
  );
  const count = bytes.length / RECORD;
  const labels = new Uint8Array(count);
  const planar = new Uint8Array(count * 3 * PLANE);
  const pixels = new Uint8Array(count * 3 * PLANE);
  for (let image = 0; image < count; image++) {
    labels[image] = bytes[image * RECORD]!;
    const from = image * RECORD + 1;
    const to = image * 3 * PLANE;
    planar.set(bytes.subarray(from, from + 3 * PLANE), to);
    for (let pixel = 0; pixel < PLANE; pixel++) {
      for (let channel = 0; channel < 3; channel++) {
        pixels[to + 3 * pixel + channel] = bytes[from + channel * PLANE + pixel]!;
      }
    }
  }
  return { labels, planar, pixels };
}

/** Grey by ITU-R BT.601, as Pillow's `convert('L')`. */
export function greyOf(pixels: Uint8Array): Uint8Array {
  const grey = new Uint8Array(pixels.length / 3);
  for (let pixel = 0; pixel < grey.length; pixel++) {
    const [red, green, blue] = pixels.subarray(3 * pixel, 3 * pixel + 3);
    grey[pixel] = Math.floor((19595 * red! + 38470 * green! + 7471 * blue! + 32768) / 65536);
  }
  return grey;
}

/** One folder a class; the names keep the order of the images. */
export function writePngs(folder: string, { labels, pixels }: Omit<CifarImages, 'planar'>): void {
  for (const name of CIFAR10_CLASSES) mkdirSync(path.join(folder, name), { recursive: true });
  labels.forEach((label, image) => {
    const file = path.join(folder, CIFAR10_CLASSES[label]!, `${String(image).padStart(5, '0')}.png`);
    const content = pixels.subarray(image * 3072, (image + 1) * 3072);
    writeFileSync(file, pngFile({ width: 32, height: 32, channels: 3, pixels: content }));
  });
}
