/** Rounds vectors to a wire format, packs and unpacks them: see `format.ts`. In WebAssembly, since workers wait for it. */

import { invariant } from '../errors.js';
import { floatsFromLittleEndian, littleEndianBytes } from '../littleEndian.js';
import type { RandomKey } from '../random.js';
import { compileNow, newMemory } from '../wasm/host.js';
import { encodeModule } from '../wasm/module.js';
import { BLOCK_VALUES, wireByteLength } from './format.js';
import type { WireFormat } from './format.js';
import { emitWireKernels } from './kernelCode.js';
import type { WireKernelName } from './kernelCode.js';

/** Values at once, small enough for the second-level cache; whole blocks. */
const PART_VALUES = 8192;
const PART_BLOCKS = PART_VALUES / BLOCK_VALUES;
const PAGES = 1;
const BYTES_AT = 4 * PART_VALUES;

/** Rounds in place. @param key of the random numbers; null if the format draws none */
export function roundToWire(format: WireFormat, values: Float32Array, key: RandomKey | null): void {
  if (format === 'float32') return;
  const { run, floats } = kernels();
  for (let start = 0; start < values.length; start += PART_VALUES) {
    const part = values.subarray(start, start + PART_VALUES);
    fill(floats, part);
    const blockCount = Math.ceil(part.length / BLOCK_VALUES);
    if (format === 'bfloat16') run.roundBfloat16(0, blockCount);
    else {
      invariant(key, 'int8 is rounded by random numbers');
      run.roundInt8(0, key[0], key[1], start / BLOCK_VALUES, blockCount);
    }
    part.set(floats.subarray(0, part.length));
  }
}

/**
 * The values in their wire form, without loss. The result overwrites the values in their memory.
 * @param values rounded to the format
 */
export function packInPlace(format: WireFormat, values: Float32Array): Uint8Array {
  if (format === 'float32') return littleEndianBytes(values);
  const { run, floats, bytes } = kernels();
  const pack = format === 'bfloat16' ? run.packBfloat16 : run.packInt8;
  const packed = new Uint8Array(values.buffer, values.byteOffset, wireByteLength(format, values.length));
  for (let start = 0; start < values.length; start += PART_VALUES) {
    const part = values.subarray(start, start + PART_VALUES);
    fill(floats, part);
    pack(0, BYTES_AT, Math.ceil(part.length / BLOCK_VALUES));
    // Ends before the next part of the values begins.
    packed.set(bytes.subarray(0, wireByteLength(format, part.length)), wireByteLength(format, start));
  }
  return packed;
}

/**
 * The values of a wire form: of float32 a view, if possible.
 * @param packed of the length that `wireByteLength` gives
 * @param room for the values, if they are no view
 */
export function unpackFromWire(
  format: WireFormat,
  packed: Uint8Array,
  room: () => Float32Array,
): Float32Array {
  if (format === 'float32') return floatsFromLittleEndian(packed);
  const values = room();
  const { run, floats, bytes } = kernels();
  const unpack = format === 'bfloat16' ? run.unpackBfloat16 : run.unpackInt8;
  for (let start = 0; start < values.length; start += PART_VALUES) {
    const part = values.subarray(start, start + PART_VALUES);
    const from = wireByteLength(format, start);
    bytes.set(packed.subarray(from, from + wireByteLength(format, part.length)));
    unpack(BYTES_AT, 0, Math.ceil(part.length / BLOCK_VALUES));
    part.set(floats.subarray(0, part.length));
  }
  return values;
}

/** Copies the part, and zeros up to the end of its last block. */
function fill(floats: Float32Array, part: Float32Array): void {
  floats.set(part);
  floats.fill(0, part.length, BLOCK_VALUES * Math.ceil(part.length / BLOCK_VALUES));
}

interface Kernels {
  readonly run: Readonly<Record<WireKernelName, (...parameters: number[]) => void>>;
  /** Where the kernels find a part's values, and its wire form. */
  readonly floats: Float32Array; // (PART_VALUES)
  readonly bytes: Uint8Array;
}

let made: Kernels | undefined;

/** Made when a thread first needs them: runs in float32 do not. */
function kernels(): Kernels {
  return (made ??= make());
}

function make(): Kernels {
  const memory = newMemory(PAGES, PAGES);
  const { exports } = compileNow(encodeModule(emitWireKernels()))(memory);
  return {
    run: exports as Kernels['run'],
    floats: new Float32Array(memory.buffer, 0, PART_VALUES),
    bytes: new Uint8Array(memory.buffer, BYTES_AT, wireByteLength('bfloat16', PART_BLOCKS * BLOCK_VALUES)),
  };
}
