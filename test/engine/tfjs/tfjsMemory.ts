import * as tf from '@tensorflow/tfjs-core';

/** What tfjs holds in this thread, and the size of the wasm heap, if there is one. */
export function tfjsMemory(): Readonly<Record<string, number>> {
  const { numTensors, numDataBuffers, numBytes } = tf.memory();
  const backend = tf.findBackend('wasm') as unknown as { wasm: { HEAPU8: Uint8Array } } | null;
  const heapBytes = backend === null ? 0 : backend.wasm.HEAPU8.byteLength;
  return { numTensors, numDataBuffers, numBytes, heapBytes };
}
