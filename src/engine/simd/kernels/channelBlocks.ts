/** Walks the channels of a map block by block, with code of a size that V8 compiles, and soon. */

import type { FunctionBuilder, Local } from '../../../foundation/wasm/functionBuilder.js';
import { FLOAT_BYTES, VECTOR_BYTES } from './products.js';

/**
 * Up to so many channels, each block has code of its own. V8 refuses functions with more than 50,000 locals or 7,654,321
 * bytes; before that, the time it takes to compile them grows faster than their length.
 */
const MOST_CHANNELS_UNROLLED = 256;
/** Of wider maps, the blocks of so many channels are one turn of a loop. Whole blocks of every kernel. */
const CHANNELS_PER_TURN = 64;

interface ChannelWalk {
  readonly channels: number;
  readonly vectorsPerBlock: number;
  /** Addresses of channel 0. */
  readonly pointers: readonly Local<'i32'>[];
  /**
   * @param firstByte of the block, from the pointers on
   * @param pointers those of the walk, or in a loop their copies, which advance
   */
  readonly block: (firstByte: number, vectorCount: number, pointers: readonly Local<'i32'>[]) => void;
}

export function forEachChannelBlock(f: FunctionBuilder, walk: ChannelWalk): void {
  const { channels } = walk;
  if (channels <= MOST_CHANNELS_UNROLLED) {
    unrollBlocks(walk, channels, walk.pointers);
    return;
  }
  const pointers = walk.pointers.map((pointer) => f.variable(pointer));
  f.repeat(Math.floor(channels / CHANNELS_PER_TURN), () => {
    unrollBlocks(walk, CHANNELS_PER_TURN, pointers);
    for (const pointer of pointers) f.advance(pointer, CHANNELS_PER_TURN * FLOAT_BYTES);
  });
  unrollBlocks(walk, channels % CHANNELS_PER_TURN, pointers);
}

function unrollBlocks(
  { vectorsPerBlock, block }: ChannelWalk,
  channels: number,
  pointers: readonly Local<'i32'>[],
): void {
  const bytes = channels * FLOAT_BYTES;
  for (let first = 0; first < bytes; first += vectorsPerBlock * VECTOR_BYTES) {
    block(first, Math.min(vectorsPerBlock, (bytes - first) / VECTOR_BYTES), pointers);
  }
}
