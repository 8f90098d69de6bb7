import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  findCifar10,
  gatherSamples,
  labelsOf,
  loadCifar10,
  loadCifar10Test,
  locateCifar10,
} from '../../src/data/index.js';
import { LockstepError } from '../../src/foundation/errors.js';
import {
  BATCH_BYTE_COUNT,
  patch,
  temporaryFolder,
  TRAINING_FILES,
  writeBinarySet,
  writeZeros,
} from './cifar10Fixtures.js';

async function failureOf(promise: Promise<unknown>): Promise<LockstepError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LockstepError);
  return error as LockstepError;
}

describe('loadCifar10', () => {
  it('reads record i of batch b as sample 10,000 b + i, and turns its planes into HWC order', async () => {
    const parent = await temporaryFolder();
    const folder = await writeBinarySet(parent);
    const record = Uint8Array.from({ length: 3073 }, (_, at) => (at === 0 ? 7 : (at * 13) % 251));
    await patch(join(folder, 'data_batch_3.bin'), 1234 * 3073, record);
    const set = await loadCifar10(parent);
    expect(set.sampleCount).toBe(50_000);
    const { pixels, labels } = gatherSamples(set, [0, 21_234]);
    expect([...labels]).toEqual([0, 7]);
    expect(pixels.subarray(0, 3072).every((byte) => byte === 0)).toBe(true);
    for (const [y, x, channel] of [
      [0, 0, 0],
      [0, 1, 2],
      [31, 31, 1],
      [5, 17, 0],
    ] as const) {
      expect(pixels[3072 + (y * 32 + x) * 3 + channel]).toBe(record[1 + channel * 1024 + y * 32 + x]);
    }
    expect(labelsOf(set).reduce((sum, label) => sum + label, 0)).toBe(7);
    expect(set.classNames[7]).toBe('horse');
    expect(() => set.labelOf(50_000)).toThrow(/sample 50000 is not in 0 … 49999/);
  });

  it('takes the folder of the batches as well as the one around it', async () => {
    const folder = await writeBinarySet(await temporaryFolder());
    expect((await loadCifar10(folder)).sampleCount).toBe(50_000);
  });

  it('never opens the test file, and the test loader nothing else', async () => {
    const parent = await temporaryFolder();
    const folder = await writeBinarySet(parent, TRAINING_FILES);
    await writeZeros(join(folder, 'test_batch.bin'), 5); // would be refused if it were read
    expect((await loadCifar10(parent)).sampleCount).toBe(50_000);
    await writeZeros(join(folder, 'test_batch.bin'), BATCH_BYTE_COUNT);
    for (const file of TRAINING_FILES) await rm(join(folder, file));
    expect((await loadCifar10Test(parent)).sampleCount).toBe(10_000);
  });

  it('names the truncated file, its size and the right one', async () => {
    const parent = await temporaryFolder();
    const folder = await writeBinarySet(parent);
    await writeZeros(join(folder, 'data_batch_2.bin'), 12_345);
    const error = await failureOf(loadCifar10(parent));
    expect(error.code).toBe('E_DATA_CORRUPT');
    expect(error.message).toMatch(/data_batch_2\.bin has 12345 bytes, .* 30730000; .*lockstep data download/);
  });

  it('names the file and record of a label above 9', async () => {
    const parent = await temporaryFolder();
    const folder = await writeBinarySet(parent);
    await patch(join(folder, 'data_batch_5.bin'), 42 * 3073, Uint8Array.of(10));
    const error = await failureOf(loadCifar10(parent));
    expect(error.code).toBe('E_DATA_CORRUPT');
    expect(error.message).toMatch(/data_batch_5\.bin: record 42 has label 10, but labels go from 0 to 9/);
  });

  it('names the missing batch', async () => {
    const parent = await temporaryFolder();
    const folder = await writeBinarySet(parent);
    await rm(join(folder, 'data_batch_4.bin'));
    const error = await failureOf(loadCifar10(parent));
    expect(error.code).toBe('E_DATA_MISSING');
    expect(error.message).toMatch(/data_batch_4\.bin is missing/);
    expect(error.message).toContain(`lockstep data download --data-dir ${parent}`);
  });

  it('says what it looked for in a folder that holds nothing', async () => {
    const parent = await temporaryFolder();
    for (const dataDir of [parent, join(parent, 'nowhere')]) {
      const error = await failureOf(loadCifar10(dataDir));
      expect(error.code).toBe('E_DATA_MISSING');
      expect(error.message).toMatch(
        /no CIFAR-10 in .*cifar-10-batches-bin.*cifar-10-batches-py.*data download --data-dir/,
      );
    }
  });

  it('refuses a file in place of the folder', async () => {
    const file = join(await temporaryFolder(), 'data_batch_1.bin');
    await writeFile(file, '');
    const error = await failureOf(loadCifar10(file));
    expect(error.code).toBe('E_DATA_MISSING');
    expect(error.message).toContain(
      `${file} is a file, and a data set is a folder; name the folder that contains this file`,
    );
  });

  it.skipIf(process.getuid?.() === 0 || process.platform === 'win32')(
    'says that a file may not be read',
    async () => {
      const parent = await temporaryFolder();
      const folder = await writeBinarySet(parent);
      await chmod(join(folder, 'data_batch_1.bin'), 0);
      expect((await failureOf(loadCifar10(parent))).code).toBe('E_IO');
    },
  );
});

describe('locateCifar10', () => {
  it('finds the first candidate that is complete', async () => {
    const [empty, partial, complete] = [
      await temporaryFolder(),
      await temporaryFolder(),
      await temporaryFolder(),
    ];
    await writeBinarySet(partial, TRAINING_FILES);
    const folder = await writeBinarySet(complete);
    expect(await locateCifar10([join(empty, 'nowhere'), empty, partial, complete])).toEqual({
      folder,
      layout: 'binary',
    });
    expect(await locateCifar10([empty, partial])).toBeUndefined();
    expect(await findCifar10(partial)).toEqual({
      folder: join(partial, 'cifar-10-batches-bin'),
      layout: 'binary',
    });
  });
});
