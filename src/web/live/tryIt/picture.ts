/** From what a browser can show to the pixels of a canvas. */

import type { RawPicture } from '../../join/try/talk.js';

/** More than tablets let a canvas have. Of a larger picture the browser makes a smaller one first. */
const MOST_PIXELS = 1 << 24;

/**
 * As `lockstep predict` decodes: upright, without colour profiles.
 * @throws Error if the browser cannot decode it
 */
export async function pictureOf(file: Blob): Promise<RawPicture> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, {
      imageOrientation: 'from-image',
      colorSpaceConversion: 'none',
      premultiplyAlpha: 'none',
    });
  } catch {
    throw new Error('this file is no picture that the browser can decode');
  }
  try {
    return drawn(bitmap, bitmap.width, bitmap.height);
  } finally {
    bitmap.close();
  }
}

/** What the camera sees now. */
export function frameOf(video: HTMLVideoElement): RawPicture {
  return drawn(video, video.videoWidth, video.videoHeight);
}

function drawn(source: CanvasImageSource, fullWidth: number, fullHeight: number): RawPicture {
  const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (fullWidth * fullHeight)));
  const [width, height] = [fullWidth, fullHeight].map((side) => Math.max(1, Math.floor(side * scale))) as [
    number,
    number,
  ];
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.imageSmoothingQuality = 'high';
  context.drawImage(source, 0, 0, width, height);
  return { pixels: context.getImageData(0, 0, width, height).data, height, width };
}
