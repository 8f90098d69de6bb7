/** The package `sharp`, which decodes pictures. Loaded when the first picture is decoded: nothing else needs it. */

import type Sharp from 'sharp';
import { describeError, LockstepError } from '../../foundation/errors.js';

type SharpFunction = typeof Sharp;

let loading: Promise<SharpFunction> | undefined;

/** @throws LockstepError E_SETUP if it is not installed, or has no binary for this machine */
export function loadSharp(): Promise<SharpFunction> {
  loading ??= load();
  return loading;
}

async function load(): Promise<SharpFunction> {
  try {
    const { default: sharp } = await import('sharp');
    sharp.concurrency(1); // pictures are decoded side by side, not each by several threads
    sharp.cache(false); // each is read once
    return sharp;
  } catch (error) {
    const [reason] = describeError(error).split('\n');
    throw new LockstepError(
      'E_SETUP',
      `pictures cannot be decoded: the package sharp, or its binary for ${process.platform}-${process.arch}, cannot be loaded (${reason}); ` +
        'install it with: npm install --include=optional sharp',
      { cause: error },
    );
  }
}
