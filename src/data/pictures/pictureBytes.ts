/** What the bytes of a PNG, JPEG or WebP file show before they are decoded. */

import { PictureError } from './pictureFault.js';

export type PictureKind = 'png' | 'jpeg' | 'webp';

const PNG_SIGNATURE = '89504e470d0a1a0a';

/**
 * The kind, by the first bytes; names do not matter. Other kinds never reach the decoder, which knows many more.
 * @throws PictureError if it is none of them, or is animated or ends too early
 */
export function inspectPicture(bytes: Uint8Array): PictureKind {
  if (bytes.length === 0) throw new PictureError('empty', 'is empty');
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (buffer.toString('hex', 0, 8) === PNG_SIGNATURE) {
    inspectPng(buffer);
    return 'png';
  }
  if (buffer.toString('hex', 0, 3) === 'ffd8ff') return 'jpeg';
  if (buffer.toString('latin1', 0, 4) === 'RIFF' && buffer.toString('latin1', 8, 12) === 'WEBP') {
    inspectWebp(buffer);
    return 'webp';
  }
  throw new PictureError('unreadable', 'is not a PNG, JPEG or WebP image');
}

/** Walks the chunks: length, type, data, checksum. An animated PNG says so before its first image data. */
function inspectPng(bytes: Buffer): void {
  for (let at = 8; at + 12 <= bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (type === 'IEND') return;
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
