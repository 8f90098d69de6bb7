/**
 * The bytes of a message in the cluster that is simulated. The simulated nodes exchange the messages of a network of two
 * parameters; what they would weigh in a run of the real network is counted here, by the real codec.
 */

import { weightFormatOf, wireByteLength } from '../foundation/wire/format.js';
import type { WireFormat } from '../foundation/wire/format.js';
import { encodeMessage } from '../protocol/index.js';
import type { AnyMessage } from '../protocol/index.js';

export interface Sizes {
  readonly parameterCount: number;
  readonly statisticCount: number;
  readonly imageBytes: number;
  /** The form in which gradients travel. */
  readonly wire: WireFormat;
}

/** Byte strings begin at multiples of this many bytes; see `alignedFrame.ts`. */
const ALIGNMENT_BYTES = 4;
/** RFC 6455 section 5.2: a frame's head, which a longer length makes longer, and so does the mask of what a client sends. */
const FRAME_HEAD_BYTES = 2;
const MASK_BYTES = 4;
const LONGEST_SHORT = 125;
const LONGEST_MEDIUM = 65_535;

/**
 * The frame of a WebSocket that holds the message.
 * @param from the client, which masks what it sends, is the node
 */
export function frameBytes(message: AnyMessage, sizes: Sizes, from: 'node' | 'coordinator'): number {
  let missing = 0;
  const small: Record<string, unknown> = { ...message };
  for (const [name, value] of Object.entries(small)) {
    if (!(value instanceof Uint8Array)) continue;
    const byteCount = fieldBytes(name, value, sizes);
    const kept = byteCount % ALIGNMENT_BYTES; // the padding depends on this alone
    missing += byteCount - kept;
    small[name] = new Uint8Array(kept);
  }
  const headBytes = FRAME_HEAD_BYTES + (from === 'node' ? MASK_BYTES : 0);
  return headBytes + withLength(encodeMessage(small as AnyMessage).byteLength + missing);
}

function fieldBytes(name: string, value: Uint8Array, sizes: Sizes): number {
  switch (name) {
    case 'parameters':
      return parameterBytes(sizes);
    case 'gradientSum':
      return gradientBytes(sizes);
    case 'statistics':
    case 'statisticSum':
      return sizes.statisticCount * Float32Array.BYTES_PER_ELEMENT;
    case 'pixels': // one byte an image in the small network
      return value.byteLength * sizes.imageBytes;
    default:
      return value.byteLength;
  }
}

/** Of the weights as they travel, without their statistics. */
export function parameterBytes({ wire, parameterCount }: Sizes): number {
  return wireByteLength(weightFormatOf(wire), parameterCount);
}

/** Of a sum of gradients as it travels, without its statistics. */
export function gradientBytes({ wire, parameterCount }: Sizes): number {
  return wireByteLength(wire, parameterCount);
}

function withLength(payloadBytes: number): number {
  if (payloadBytes <= LONGEST_SHORT) return payloadBytes;
  return (payloadBytes <= LONGEST_MEDIUM ? 2 : 8) + payloadBytes;
}
