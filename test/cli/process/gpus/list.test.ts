import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { chooseGpus } from '../../../../src/cli/process/gpus/choose.js';
import { parseQuery, readDriverFolder } from '../../../../src/cli/process/gpus/list.js';
import type { Gpu } from '../../../../src/cli/process/gpus/list.js';
import { thrownBy } from '../../../support/errors.js';
import { temporaryFolder } from '../../../support/temporaryFolder.js';

const GPUS: readonly Gpu[] = [0, 1, 2].map((index) => ({ index, name: 'T4', uuid: `GPU-${index}` }));

describe('the list of GPUs', () => {
  it('is what nvidia-smi prints, and nothing that it complains of', () => {
    const text = [
      '0, NVIDIA H100 80GB HBM3, GPU-1b2c',
      '3, Tesla T4, rev. 2, GPU-ffff',
      'No devices were found',
      '',
    ].join('\n');
    expect(parseQuery(text)).toEqual([
      { index: 0, name: 'NVIDIA H100 80GB HBM3', uuid: 'GPU-1b2c' },
      { index: 3, name: 'Tesla T4, rev. 2', uuid: 'GPU-ffff' },
    ]);
  });

  it('is read from the driver’s folder as well', () => {
    const folder = temporaryFolder();
    expect(readDriverFolder(path.join(folder, 'missing'))).toBeUndefined();
    for (const [address, uuid] of [
      ['0000:41:00.0', 'GPU-b'],
      ['0000:01:00.0', 'GPU-a'],
    ] as const) {
      mkdirSync(path.join(folder, address));
      const text = `Model: \t\t NVIDIA A100-SXM4\nIRQ:   \t\t 34\nGPU UUID: \t ${uuid}\nDevice Minor: \t 0\n`;
      writeFileSync(path.join(folder, address, 'information'), text);
    }
    expect(readDriverFolder(folder)).toEqual([
      { index: 0, name: 'NVIDIA A100-SXM4', uuid: 'GPU-a' },
      { index: 1, name: 'NVIDIA A100-SXM4', uuid: 'GPU-b' },
    ]);
  });
});

describe('--gpus', () => {
  it.each([
    ['all', [0, 1, 2]],
    ['2', [0, 1]],
    ['2,', [2]],
    ['0,2', [0, 2]],
    ['2,0,2', [2, 0]],
  ])('%s', (text, indices) => {
    expect(chooseGpus(text, GPUS).map(({ index }) => index)).toEqual(indices);
  });

  it.each(['0', '4', '1,3', 'none', '-1', '1.5', ',', ''])('%j is refused', (text) => {
    thrownBy('E_OPTION', () => chooseGpus(text, GPUS));
  });
});
