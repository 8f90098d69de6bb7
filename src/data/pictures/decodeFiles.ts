/** Decodes many files on all cores, and gives the results in the order of the files. */

import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { describeError, LockstepError } from '../../foundation/errors.js';
import decodePictures from './decodeThread.js';
import type { DecodedPicture, DecodingTask } from './decodeThread.js';
import type { PictureShape } from './decodePicture.js';
import { loadSharp } from './sharpPackage.js';

export type { DecodedPicture } from './decodeThread.js';

/** The compiled thread. Also used if this file itself runs uncompiled, as in tests. */
const THREAD_FILE = import.meta.url.endsWith('.ts')
  ? '../../../dist/data/pictures/decodeThread.js'
  : './decodeThread.js';

/** Few enough that little is lost when a run is stopped, and enough that messages cost nothing. */
const BLOCK_FILES = 64;
const MOST_THREADS = 16;
/** One that is computed, and one that waits. */
const BLOCKS_PER_THREAD = 2;

export interface DecodeFilesOptions {
  readonly paths: readonly string[];
  readonly shape: PictureShape;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A block of results at a time; memory does not grow with the number of files.
 * @throws LockstepError E_SETUP without `sharp`; the signal's reason
 */
export async function* decodeFiles(options: DecodeFilesOptions): AsyncGenerator<readonly DecodedPicture[]> {
  const { paths, shape, signal } = options;
  await loadSharp(); // what is missing is said here, not by a thread
  const blocks = Array.from({ length: Math.ceil(paths.length / BLOCK_FILES) }, (_, block) => ({
    paths: paths.slice(block * BLOCK_FILES, (block + 1) * BLOCK_FILES),
    shape,
  }));
  const threads = Math.min(availableParallelism(), MOST_THREADS, blocks.length);
  if (threads <= 1) {
    for (const block of blocks) {
      signal?.throwIfAborted();
      yield await decodePictures(block);
    }
    return;
  }
  yield* decodeOnThreads(blocks, threads, signal);
}

async function* decodeOnThreads(
  blocks: readonly DecodingTask[],
  threads: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly DecodedPicture[]> {
  const pool = new Piscina<DecodingTask, DecodedPicture[]>({
    filename: fileURLToPath(new URL(THREAD_FILE, import.meta.url)),
    minThreads: threads,
    maxThreads: threads,
    atomics: 'disabled', // sharp answers by callbacks
    recordTiming: false,
  });
  pool.on('error', () => undefined); // a thread that dies rejects its task
  const pending: Promise<DecodedPicture[]>[] = [];
  try {
    let next = 0;
    for (let done = 0; done < blocks.length; done++) {
      for (; next < blocks.length && pending.length < threads * BLOCKS_PER_THREAD; next++) {
        const work = pool.run(blocks[next]!);
        work.catch(() => undefined); // it is awaited below, perhaps after another has failed
        pending.push(work);
      }
      signal?.throwIfAborted();
      yield await answerOf(pending.shift()!);
    }
  } finally {
    await pool.destroy();
  }
}

async function answerOf(work: Promise<DecodedPicture[]>): Promise<DecodedPicture[]> {
  try {
    return await work;
  } catch (error) {
    throw new LockstepError(
      'E_RESOURCES',
      `a thread that decodes pictures ended: ${describeError(error)}; free some memory, or use fewer large pictures`,
      { cause: error },
    );
  }
}
