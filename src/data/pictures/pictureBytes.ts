/** What the bytes of a PNG, JPEG or WebP file show before they are decoded. */

import { PictureError } from './pictureFault.js';

/** The size, where the head of the file says it in a fixed place; else the decoder has to be asked. */
export interface PictureHead {
  readonly size: { readonly width: number; readonly height: number } | undefined;
}

const NO_SIZE: PictureHead = { size: undefined };

const PNG_SIGNATURE = '89504e470d0a1a0a';

/**
 * The kind is told by the first bytes; names do not matter. Other kinds never reach the decoder, which knows many more.
 * @throws PictureError if it is none of them, or is animated or ends too early
 */
export function inspectPicture(bytes: Uint8Array): PictureHead {
  if (bytes.length === 0) throw new PictureError('empty', 'is empty');
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (buffer.toString('hex', 0, 8) === PNG_SIGNATURE) {
    return inspectPng(buffer);
  }
  if (buffer.toString('hex', 0, 3) === 'ffd8ff') return NO_SIZE;
  if (buffer.toString('latin1', 0, 4) === 'RIFF' && buffer.toString('latin1', 8, 12) === 'WEBP') {
    inspectWebp(buffer);
    return NO_SIZE;
  }
  throw new PictureError('unreadable', 'is not a PNG, JPEG or WebP image');
}

/** Walks the chunks: length, type, data, checksum. An animated PNG says so before its first image data. */
function inspectPng(bytes: Buffer): PictureHead {
  let size: PictureHead['size'];
  for (let at = 8; at + 12 <= bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (type === 'IHDR' && at + 16 <= bytes.length) {
      size = { width: bytes.readUInt32BE(at + 8), height: bytes.readUInt32BE(at + 12) };
    }
    if (type === 'IEND') return { size };
    if (type === 'acTL' && at + 12 <= bytes.length) refuseFrames(bytes.readUInt32BE(at + 8));
  }
  throw new PictureError('truncated', 'ends before its last part: it is truncated');
}

/** The file's header says how long the rest is. */
function inspectWebp(bytes: Buffer): void {
  const missing = 8 + bytes.readUInt32LE(4) - bytes.length;
  if (missing > 0) throw new PictureError('truncated', `ends ${missing} bytes too early: it is truncated`);
}

/** @throws PictureError for more than one */
export function refuseFrames(frames: number): void {
  if (frames > 1)
    throw new PictureError('animated', `is animated: it has ${frames} frames, and must have one`);
}
