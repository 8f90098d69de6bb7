/** `--gpus all`, `--gpus 2` (the first two) or `--gpus 0,3` (those). */

import { LockstepError } from '../../../foundation/errors.js';
import type { Gpu } from './list.js';

/** @throws LockstepError E_OPTION for what is malformed, or names a GPU that is not there */
export function chooseGpus(text: string, gpus: readonly Gpu[]): Gpu[] {
  if (text === 'all') return [...gpus];
  if (/^\d+$/.test(text)) return chooseFirst(Number(text), gpus);
  if (!/^\d+(,\d*)+$/.test(text)) {
    throw new LockstepError(
      'E_OPTION',
      `--gpus ${text} must be all, a number of GPUs, or indices with commas; for example --gpus 0,1`,
    );
  }
  const wanted = [...new Set(text.split(',').filter((part) => part !== ''))].map(Number);
  return wanted.map((index) => {
    const gpu = gpus.find((candidate) => candidate.index === index);
    if (gpu) return gpu;
    throw new LockstepError(
      'E_OPTION',
      `--gpus ${text}: there is no GPU ${index} here; there are ${describe(gpus)}`,
    );
  });
}

function chooseFirst(count: number, gpus: readonly Gpu[]): Gpu[] {
  if (count === 0) {
    throw new LockstepError(
      'E_OPTION',
      '--gpus 0 is a number of GPUs; for the one of index 0 write --gpus 0,',
    );
  }
  if (count <= gpus.length) return gpus.slice(0, count);
  throw new LockstepError(
    'E_OPTION',
    `--gpus ${count}: there are ${gpus.length} here, ${describe(gpus)}; use --gpus all`,
  );
}

function describe(gpus: readonly Gpu[]): string {
  return gpus.map(({ index, name }) => `${index} (${name})`).join(', ');
}
