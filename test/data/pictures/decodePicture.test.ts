import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodePicture } from '../../../src/data/pictures/decodePicture.js';
import type { PictureShape } from '../../../src/data/pictures/decodePicture.js';
import { PictureError } from '../../../src/data/pictures/pictureFault.js';
import { temporaryFolder } from '../cifar10Fixtures.js';
import { chunk, pngFile } from './pngFile.js';

interface Golden {
  readonly name: string;
  readonly file: string;
  readonly size: number;
  readonly channels: 1 | 3;
  readonly pixels: string;
}

const GOLDEN = (
  JSON.parse(readFileSync(new URL('../../golden/pictures.json', import.meta.url), 'utf8')) as {
    cases: Golden[];
  }
).cases;

const COLOUR: PictureShape = { height: 4, width: 4, channels: 3 };
const GREY: PictureShape = { height: 4, width: 4, channels: 1 };

/** (4, 4, channels) of different values. */
function pixelsOf(channels: number, bytesEach = 1): Uint8Array {
  return Uint8Array.from({ length: 16 * channels * bytesEach }, (_, at) => (at * 89 + 3) % 256);
}

async function faultOf(picture: Uint8Array | string): Promise<PictureError> {
  const error: unknown = await decodePicture(picture, COLOUR).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PictureError);
  return error as PictureError;
}

describe('decodePicture', () => {
  it.each(GOLDEN)('gives the bits of Pillow: $name', async ({ file, size, channels, pixels }) => {
    const decoded = await decodePicture(Buffer.from(file, 'base64'), {
      height: size,
      width: size,
      channels,
    });
    expect(Buffer.from(decoded).toString('hex')).toBe(Buffer.from(pixels, 'base64').toString('hex'));
  });

  it('composes alpha on white', async () => {
    const pixels = Uint8Array.from(
      { length: 64 },
      (_, at) => [200, 100, 0, [0, 128, 255, 51][(at >> 2) % 4]!][at % 4]!,
    );
    const decoded = await decodePicture(pngFile({ width: 4, height: 4, channels: 4, pixels }), COLOUR);
    expect([...decoded.subarray(0, 12)]).toEqual([255, 255, 255, 227, 177, 127, 200, 100, 0, 244, 224, 204]);
    const grey = Uint8Array.from({ length: 32 }, (_, at) => (at % 2 === 0 ? 10 : 0));
    expect(await decodePicture(pngFile({ width: 4, height: 4, channels: 2, pixels: grey }), GREY)).toEqual(
      new Uint8Array(16).fill(255),
    );
  });

  it('takes the upper eight bits of sixteen', async () => {
    for (const channels of [1, 3] as const) {
      const pixels = pixelsOf(channels, 2);
      const upper = pixels.filter((_, at) => at % 2 === 0);
      const file = pngFile({ width: 4, height: 4, channels, pixels, bits: 16 });
      const decoded = await decodePicture(file, channels === 1 ? GREY : COLOUR);
      expect([...decoded]).toEqual([...upper]);
    }
  });

  it('keeps the bytes of a picture that has the size, whatever its colour profile or gamma', async () => {
    const pixels = pixelsOf(3);
    const gamma = chunk('gAMA', Buffer.from([0, 0, 0x56, 0xce]));
    const plain = pngFile({ width: 4, height: 4, channels: 3, pixels, extra: [gamma] });
    expect([...(await decodePicture(plain, COLOUR))]).toEqual([...pixels]);
    const profiled = await sharp(plain).withIccProfile('p3').png().toBuffer();
    const stored = await sharp(profiled, { ignoreIcc: true }).raw().toBuffer();
    expect([...(await decodePicture(profiled, COLOUR))]).toEqual([...stored]);
  });

  it('converts CMYK', async () => {
    const red = await sharp({ create: { width: 4, height: 4, channels: 3, background: '#c02010' } })
      .toColourspace('cmyk')
      .jpeg({ quality: 100 })
      .toBuffer();
    const [r, g, b] = await decodePicture(red, COLOUR);
    expect(r).toBeGreaterThan(150);
    expect(g).toBeLessThan(80);
    expect(b).toBeLessThan(80);
  });

  it('reads a file, whatever its name says', async () => {
    const path = join(await temporaryFolder(), 'Bild mit ünïcode 图.txt');
    await writeFile(path, pngFile({ width: 4, height: 4, channels: 3, pixels: pixelsOf(3) }));
    expect([...(await decodePicture(path, COLOUR))]).toEqual([...pixelsOf(3)]);
  });
});

describe('a file that is not used', () => {
  const png = pngFile({ width: 4, height: 4, channels: 3, pixels: pixelsOf(3) });

  it('is empty', async () => {
    expect(await faultOf(Buffer.alloc(0))).toMatchObject({ fault: 'empty', message: 'is empty' });
  });

  it('is no PNG, JPEG or WebP, though the decoder may know it', async () => {
    const gif = await sharp(png).gif().toBuffer();
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>');
    for (const bytes of [gif, svg, Buffer.from('hello'), Buffer.of(0x89)]) {
      expect((await faultOf(bytes)).fault).toBe('unreadable');
    }
  });

  it('is truncated, wherever it ends', async () => {
    const noisy = sharp(pixelsOf(300 * 16), { raw: { width: 160, height: 160, channels: 3 } });
    const files = [png, await noisy.clone().png().toBuffer(), await noisy.clone().webp().toBuffer()];
    for (const file of files) {
      for (const share of [0.3, 0.6, 0.9, 0.999]) {
        expect((await faultOf(file.subarray(0, file.length * share))).fault).toBe('truncated');
      }
    }
    const jpeg = await noisy.clone().jpeg().toBuffer();
    for (const share of [0.5, 0.9]) {
      expect((await faultOf(jpeg.subarray(0, jpeg.length * share))).fault).toBe('truncated');
    }
  });

  it('is damaged', async () => {
    const damaged = Buffer.from(png);
    damaged[damaged.length - 20]! ^= 255;
    expect(await faultOf(damaged)).toMatchObject({
      fault: 'unreadable',
      message: expect.stringContaining('cannot be decoded') as string,
    });
  });

  it('is animated', async () => {
    const frames = await sharp(pixelsOf(6), { raw: { width: 4, height: 8, channels: 3, pageHeight: 4 } })
      .webp({ loop: 0 })
      .toBuffer();
    expect(await faultOf(frames)).toMatchObject({ fault: 'animated', message: /2 frames/ });
    const control = chunk('acTL', Buffer.from([0, 0, 0, 3, 0, 0, 0, 0]));
    const apng = pngFile({ width: 4, height: 4, channels: 3, pixels: pixelsOf(3), extra: [control] });
    expect(await faultOf(apng)).toMatchObject({ fault: 'animated', message: /3 frames/ });
  });

  it('claims more pixels than may be decoded', async () => {
    const bomb = pngFile({ width: 60_000, height: 60_000, channels: 3, pixels: new Uint8Array(180_000) });
    expect(bomb.length).toBeLessThan(2000);
    expect(await faultOf(bomb)).toMatchObject({ fault: 'huge', message: /60000x60000/ });
  });

  it('cannot be read', async () => {
    const folder = await temporaryFolder();
    expect((await faultOf(folder)).fault).toBe('unreadable');
    expect((await faultOf(join(folder, 'missing.png'))).fault).toBe('unreadable');
  });
});
