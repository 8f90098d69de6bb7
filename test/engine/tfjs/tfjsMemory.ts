import * as tf from '@tensorflow/tfjs-core';

/** What tfjs holds in this thread, with what a GPU has allocated and the size of the wasm heap, if there are such. */
export function tfjsMemory(): Readonly<Record<string, number>> {
  const { numTensors, numDataBuffers, numBytes } = tf.memory();
  const { numBytesAllocatedInGPU = 0 } = tf.memory() as { numBytesAllocatedInGPU?: number };
  const backend = tf.findBackend('wasm') as unknown as { wasm: { HEAPU8: Uint8Array } } | null;
  const heapBytes = numBytesAllocatedInGPU + (backend === null ? 0 : backend.wasm.HEAPU8.byteLength);
  return { numTensors, numDataBuffers, numBytes, heapBytes };
}
