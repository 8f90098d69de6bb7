import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { hasIdx, loadIdx } from '../../src/data/idx.js';
import { gatherSamples } from '../../src/data/imageSet.js';
import { temporaryFolder } from './cifar10Fixtures.js';
import { idxFile, writeIdxPart } from './idxWriter.js';

const PIXELS = Uint8Array.from({ length: 3 * 2 * 4 }, (_, at) => at * 7);
const PART = { shape: [3, 2, 4], pixels: PIXELS, labels: Uint8Array.of(2, 0, 2) };

describe('IDX files', () => {
  it.each([false, true])('are read, gzip %j', async (gzip) => {
    const folder = await temporaryFolder();
    writeIdxPart(folder, 'train', PART, { gzip });
    const set = await loadIdx(folder, 'training');
    expect(set.imageShape).toEqual({ height: 2, width: 4, channels: 1 });
    expect(set.classNames).toEqual(['0', '1', '2']);
    const { pixels, labels } = gatherSamples(set, [2, 0]);
    expect([...labels]).toEqual([2, 2]);
    expect([...pixels]).toEqual([...PIXELS.subarray(16), ...PIXELS.subarray(0, 8)]);
    expect(await hasIdx(folder, 'test')).toBe(false);
    writeIdxPart(folder, 't10k', PART, { gzip: !gzip });
    expect((await loadIdx(folder, 'test')).sampleCount).toBe(3);
  });

  it('may have colour, and names as some mirrors write them', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'train-images.idx4-ubyte'), idxFile([2, 2, 2, 3], PIXELS));
    await writeFile(join(folder, 'train-labels.idx1-ubyte'), idxFile([2], Uint8Array.of(0, 1)));
    const set = await loadIdx(folder, 'training');
    expect(set.imageShape).toEqual({ height: 2, width: 2, channels: 3 });
    expect([...gatherSamples(set, [0]).pixels]).toEqual([...PIXELS.subarray(0, 12)]);
  });

  it.each([
    ['images', Buffer.from('hello, no IDX'), 'does not begin as an IDX file of bytes with 3 or 4 dimensions'],
    ['images', idxFile([3, 2, 4], PIXELS).subarray(0, 30), 'has 30 bytes, but its shape (3, 2, 4) makes 40'],
    [
      'images',
      idxFile([4_000_000_000, 2, 4], PIXELS),
      'makes 32000000016; if it is shorter, it is truncated',
    ],
    ['images', idxFile([2, 3, 4], PIXELS), 'it has 2 images, and'],
    ['images', idxFile([3, 2, 2, 2], PIXELS), 'its images are 2x2x2, but'],
    ['images', gzipSync(idxFile([3, 2, 4], PIXELS)).subarray(0, 40), 'gzip cannot unpack it'],
    ['labels', idxFile([0], new Uint8Array(0)), 'it holds no labels'],
    ['labels', idxFile([3], new Uint8Array(3)), 'all labels are 0'],
    ['labels', idxFile([3, 1], new Uint8Array(3)), 'does not begin as an IDX file of bytes with 1 dimension'],
  ])('are refused: %s, case %$', async (which, content, problem) => {
    const folder = await temporaryFolder();
    writeIdxPart(folder, 'train', PART);
    const name = which === 'images' ? 'train-images-idx3-ubyte' : 'train-labels-idx1-ubyte';
    await writeFile(join(folder, name), content);
    await expect(loadIdx(folder, 'training')).rejects.toMatchObject({
      code: 'E_DATA_CORRUPT',
      message: expect.stringContaining(problem) as string,
    });
  });

  it('are refused for a test label that training does not have', async () => {
    const folder = await temporaryFolder();
    writeIdxPart(folder, 'train', { ...PART, labels: Uint8Array.of(0, 1, 1) });
    writeIdxPart(folder, 't10k', PART);
    await expect(loadIdx(folder, 'test')).rejects.toThrow(
      /label 2 of image 0 does not occur in the training labels/,
    );
  });

  it('are missing', async () => {
    await expect(loadIdx(await temporaryFolder(), 'training')).rejects.toMatchObject({
      code: 'E_DATA_MISSING',
    });
  });
});
