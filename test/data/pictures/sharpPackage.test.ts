import { describe, expect, it, vi } from 'vitest';
import { decodePicture } from '../../../src/data/pictures/decodePicture.js';
import { pngFile } from './pngFile.js';

vi.mock('sharp', () => {
  throw new Error('Could not load the "sharp" module using the linux-x64 runtime\nmany more lines');
});

describe('without the package sharp', () => {
  it('a picture is not decoded, and the message says what to install', async () => {
    const png = pngFile({ width: 1, height: 1, channels: 1, pixels: Uint8Array.of(7) });
    await expect(decodePicture(png, { height: 1, width: 1, channels: 1 })).rejects.toMatchObject({
      code: 'E_SETUP',
      message: expect.stringMatching(
        /^pictures cannot be decoded: .*; install it with: npm install --include=optional sharp$/,
      ) as string,
    });
  });
});
