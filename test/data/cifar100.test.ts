import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadCifar100 } from '../../src/data/cifar100.js';
import { CIFAR100_COARSE_NAMES, CIFAR100_FINE_NAMES } from '../../src/data/cifar100Names.js';
import { gatherSamples } from '../../src/data/imageSet.js';
import { openSource } from '../../src/data/openSource.js';
import { patch, temporaryFolder, writeZeros } from './cifar10Fixtures.js';

const RECORD = 3074;

async function blackSet(): Promise<{ readonly dataDir: string; readonly train: string }> {
  const dataDir = await temporaryFolder();
  const train = join(dataDir, 'cifar-100-binary', 'train.bin');
  await mkdir(join(dataDir, 'cifar-100-binary'));
  await writeZeros(train, 50_000 * RECORD);
  await writeZeros(join(dataDir, 'cifar-100-binary', 'test.bin'), 10_000 * RECORD);
  return { dataDir, train };
}

describe('CIFAR-100', () => {
  it('has a hundred classes and twenty superclasses, in the order of their names', () => {
    expect(new Set(CIFAR100_FINE_NAMES).size).toBe(100);
    expect([...CIFAR100_FINE_NAMES].sort()).toEqual(CIFAR100_FINE_NAMES);
    expect(new Set(CIFAR100_COARSE_NAMES).size).toBe(20);
    expect(CIFAR100_FINE_NAMES[99]).toBe('worm');
    expect(CIFAR100_COARSE_NAMES[14]).toBe('people');
  });

  it('is read from its binary files: superclass, class, planes of red, green and blue', async () => {
    const { dataDir, train } = await blackSet();
    const record = Buffer.alloc(RECORD);
    record.set([19, 99]);
    record[2 + 33] = 1; // red of row 1, column 1
    record[2 + 1024 + 33] = 2;
    record[2 + 2048 + 33] = 3;
    await patch(train, 49_999 * RECORD, record);
    const fine = await loadCifar100({ dataDir, coarseLabels: false }, 'training');
    const coarse = await loadCifar100(
      { dataDir: join(dataDir, 'cifar-100-binary'), coarseLabels: true },
      'training',
    );
    expect([fine.sampleCount, fine.labelOf(49_999), coarse.labelOf(49_999)]).toEqual([50_000, 99, 19]);
    expect([...gatherSamples(fine, [49_999]).pixels.subarray(99, 102)]).toEqual([1, 2, 3]);
    expect((await loadCifar100({ dataDir, coarseLabels: false }, 'test')).sampleCount).toBe(10_000);
  });

  it('has a test set only where its file is', async () => {
    const { dataDir } = await blackSet();
    const source = { dataDir, ...{ coarseLabels: false, cacheFolder: dataDir, imageSize: 32 } };
    const options = { ...source, channels: 'colour', badImages: 'refuse' } as const;
    expect(await openSource('cifar100', options)).toHaveProperty('openTest');
    await rm(join(dataDir, 'cifar-100-binary', 'test.bin'));
    expect(await openSource('cifar100', options)).not.toHaveProperty('openTest');
  });

  it('is refused for a wrong label or size, and if it is missing', async () => {
    const { dataDir, train } = await blackSet();
    await patch(train, 5 * RECORD, Uint8Array.of(20, 100));
    for (const [coarseLabels, problem] of [
      [true, 'record 5 has label 20, but labels go from 0 to 19'],
      [false, 'record 5 has label 100, but labels go from 0 to 99'],
    ] as const) {
      await expect(loadCifar100({ dataDir, coarseLabels }, 'training')).rejects.toMatchObject({
        code: 'E_DATA_CORRUPT',
        message: expect.stringContaining(problem) as string,
      });
    }
    await writeFile(train, 'short');
    await expect(loadCifar100({ dataDir, coarseLabels: false }, 'training')).rejects.toThrow(
      /train\.bin: it has 5 bytes, but 50000 records of 3074 bytes are 153700000/,
    );
    await expect(
      loadCifar100({ dataDir: join(dataDir, 'nowhere'), coarseLabels: false }, 'training'),
    ).rejects.toMatchObject({ code: 'E_DATA_MISSING' });
  });
});
