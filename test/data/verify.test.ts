import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { verifyCifar10 } from '../../src/data/index.js';
import { patch, temporaryFolder, writeBinarySet, writeZeros } from './cifar10Fixtures.js';

describe('verifyCifar10', () => {
  it('tells of each file what is there and what is wrong with it', async () => {
    const dataDir = await temporaryFolder();
    const folder = await writeBinarySet(dataDir);
    await rm(join(folder, 'data_batch_2.bin'));
    await writeZeros(join(folder, 'data_batch_3.bin'), 10);
    await patch(join(folder, 'data_batch_4.bin'), 3073, Uint8Array.of(11));
    await patch(join(folder, 'data_batch_5.bin'), 3073, Uint8Array.of(9));
    const report = await verifyCifar10(dataDir);
    expect(report).toMatchObject({ folder, layout: 'binary', isUsable: false, isOfficialTraining: false });
    expect(report.files.map(({ status }) => status)).toEqual([
      'usable',
      'missing',
      'damaged',
      'damaged',
      'usable',
      'usable',
    ]);
    expect(report.files[0]).toMatchObject({ byteCount: 30_730_000, checksum: { verdict: 'different' } });
    expect(report.files[1]).toMatchObject({ problem: expect.stringMatching(/is missing/) as string });
    expect(report.files[2]).toMatchObject({
      byteCount: 10,
      problem: expect.stringMatching(/10 bytes/) as string,
    });
    expect(report.files[3]).toMatchObject({
      problem: expect.stringMatching(/record 1 has label 11/) as string,
    });
    expect(report.files[4]).toMatchObject({ classCounts: [9999, 0, 0, 0, 0, 0, 0, 0, 0, 1] });
    expect(report.files[5]).toMatchObject({ part: 'test', checksum: { verdict: 'unknown' } });
  });

  it('calls a set usable whose checksums differ', async () => {
    const dataDir = await temporaryFolder();
    await writeBinarySet(dataDir);
    expect(await verifyCifar10(dataDir)).toMatchObject({ isUsable: true, isOfficialTraining: false });
  });

  it('says that nothing is there', async () => {
    await expect(verifyCifar10(await temporaryFolder())).rejects.toMatchObject({ code: 'E_DATA_MISSING' });
  });
});
