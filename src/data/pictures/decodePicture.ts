/**
 * One picture, PNG, JPEG or WebP, as the raw pixels of a data set's image. `sharp` decodes; the rest is done here in
 * integers, so that a picture of the right size without loss (PNG, WebP) has the same bytes on every machine.
 */

import type { Metadata } from 'sharp';
import { describeError, LockstepError } from '../../foundation/errors.js';
import type { ImageShape } from '../imageSet.js';
import { readRegularFile } from '../regularFile.js';
import { inspectPicture, refuseFrames } from './pictureBytes.js';
import type { PictureHead } from './pictureBytes.js';
import { PictureError } from './pictureFault.js';
import { convertChannels } from './pixelChannels.js';
import type { SourceChannels } from './pixelChannels.js';
import { resizePixels } from './resizePixels.js';
import { loadSharp } from './sharpPackage.js';

/** A larger file is not read. */
export const LARGEST_PICTURE_BYTES = 256 << 20;
/** A picture of more pixels is not decoded: 8192x8192. A small file can claim any size. */
export const MOST_PICTURE_PIXELS = 1 << 26;

/** The image that a network takes: one channel (grey) or three (red, green, blue). */
export interface PictureShape extends ImageShape {
  readonly channels: 1 | 3;
}

/**
 * Turns the picture upright (EXIF), composes alpha on white, makes the channels those of `shape`, and resizes it
 * (resizePixels.ts); nothing is resized that has the size already. 16 bits become 8 by dropping the lower ones. Colour
 * profiles are ignored, as torchvision does, except for CMYK.
 * @param picture the file's bytes, or its path
 * @returns (H, W, C), uint8
 * @throws PictureError that says what is wrong with the file; LockstepError E_SETUP without `sharp`
 */
export async function decodePicture(picture: Uint8Array | string, shape: PictureShape): Promise<Uint8Array> {
  const bytes = typeof picture === 'string' ? await readPictureFile(picture) : picture;
  refuseLarge(bytes.length);
  const { size } = inspectPicture(bytes);
  const { pixels, height, width, channels } = await decodeRaw(bytes, size);
  const converted = convertChannels(pixels, channels, shape.channels);
  return resizePixels(converted, { height, width, channels: shape.channels }, shape);
}

/** @throws PictureError if it is not a file that can be read, or too large */
export async function readPictureFile(path: string): Promise<Uint8Array> {
  try {
    return await readRegularFile(path, refuseLarge);
  } catch (error) {
    if (error instanceof PictureError) throw error;
    throw new PictureError('unreadable', `cannot be read (${describeError(error)})`, { cause: error });
  }
}

function refuseLarge(byteCount: number): void {
  if (byteCount <= LARGEST_PICTURE_BYTES) return;
  throw new PictureError('huge', `has ${byteCount} bytes, and may have at most ${LARGEST_PICTURE_BYTES}`);
}

interface RawPicture {
  readonly pixels: Uint8Array; // (height, width, channels)
  readonly height: number;
  readonly width: number;
  readonly channels: SourceChannels;
}

/** @param size of a PNG, which needs no second look: it has one frame, and no CMYK */
async function decodeRaw(bytes: Uint8Array, size: PictureHead['size']): Promise<RawPicture> {
  const sharp = await loadSharp();
  try {
    const limits = { failOn: 'error', limitInputPixels: MOST_PICTURE_PIXELS } as const;
    const metadata: Head = size ?? (await sharp(bytes, { ...limits, limitInputPixels: false }).metadata());
    checkBeforeDecoding(metadata);
    const ignoreIcc = metadata.space !== 'cmyk';
    const decoder = sharp(bytes, { ...limits, ignoreIcc }).autoOrient();
    const { data, info } = await decoder.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    return { pixels: data, height: info.height, width: info.width, channels: info.channels };
  } catch (error) {
    if (error instanceof PictureError || error instanceof LockstepError) throw error;
    throw decoderFault(error);
  }
}

type Head = Pick<Metadata, 'width' | 'height' | 'pages'> & { readonly space?: string };

function checkBeforeDecoding({ width, height, pages }: Head): void {
  refuseFrames(pages ?? 1);
  if (width * height <= MOST_PICTURE_PIXELS) return;
  throw new PictureError(
    'huge',
    `has ${width}x${height} pixels, ${width * height} in all, and may have at most ${MOST_PICTURE_PIXELS}`,
  );
}

/** Only for JPEG does the decoder find that the end is missing; the others are looked at before. */
function decoderFault(error: unknown): PictureError {
  const reason = describeError(error).split('\n')[0]!;
  const isCutOff = /premature end|no enough data|unexpected end/i.test(reason);
  return isCutOff
    ? new PictureError('truncated', `ends too early: it is truncated (${reason})`, { cause: error })
    : new PictureError('unreadable', `cannot be decoded (${reason})`, { cause: error });
}
