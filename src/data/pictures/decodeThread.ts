/** A thread that decodes pictures, run by piscina. */

import { decodePicture } from './decodePicture.js';
import type { PictureShape } from './decodePicture.js';
import { PictureError } from './pictureFault.js';
import type { PictureFault } from './pictureFault.js';

export interface DecodingTask {
  readonly paths: readonly string[];
  readonly shape: PictureShape;
}

export type DecodedPicture =
  | { readonly pixels: Uint8Array } // (H, W, C)
  | { readonly fault: PictureFault; readonly problem: string };

/** @returns one for each path, in order */
export default async function decodePictures({ paths, shape }: DecodingTask): Promise<DecodedPicture[]> {
  const decoded: DecodedPicture[] = [];
  for (const path of paths) decoded.push(await decodeOne(path, shape));
  return decoded;
}

async function decodeOne(path: string, shape: PictureShape): Promise<DecodedPicture> {
  try {
    return { pixels: await decodePicture(path, shape) };
  } catch (error) {
    if (error instanceof PictureError) return { fault: error.fault, problem: error.message };
    throw error;
  }
}
