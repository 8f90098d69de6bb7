/** Decodes the images that are to be predicted, in their order. */

import { decodePicture, loadDecoder, PictureError } from '../../data/index.js';
import type { PictureShape } from '../../data/index.js';
import type { ListedSource, PictureBytes } from './sources.js';

/** An image, ready for the network, or what is wrong with it. */
export type ReadImage =
  | { readonly name: string; readonly pixels: Uint8Array }
  | { readonly name: string; readonly problem: string };

/**
 * Files are decoded on all cores.
 * @throws LockstepError E_SETUP if nothing can be decoded here; the signal's reason
 */
export async function* decodeSources(
  sources: readonly ListedSource[],
  shape: PictureShape,
  signal: AbortSignal,
): AsyncGenerator<ReadImage> {
  for (let from = 0; from < sources.length;) {
    const source = sources[from]!;
    if (typeof source !== 'string') {
      yield 'problem' in source ? source : await decodeBytes(source, shape);
      from++;
      continue;
    }
    const rest = sources.slice(from);
    const end = rest.findIndex((each) => typeof each !== 'string');
    const paths = (end < 0 ? rest : rest.slice(0, end)) as readonly string[];
    const { decodeFiles } = await loadDecoder();
    for await (const block of decodeFiles({ paths, shape, signal })) {
      for (const decoded of block) {
        const name = sources[from++] as string;
        yield 'pixels' in decoded ? { name, pixels: decoded.pixels } : { name, problem: decoded.problem };
      }
    }
  }
}

async function decodeBytes({ name, bytes }: PictureBytes, shape: PictureShape): Promise<ReadImage> {
  try {
    return { name, pixels: await decodePicture(bytes, shape) };
  } catch (error) {
    if (error instanceof PictureError) return { name, problem: error.message };
    throw error;
  }
}
