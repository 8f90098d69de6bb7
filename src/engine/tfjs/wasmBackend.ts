/** tfjs's WebAssembly backend (XNNPACK): one thread, SIMD, the same bits on every machine of one architecture. */

import { dirname, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { processorName } from '../host.js';
import type { Operations, Tensor4D, TensorFlow, TfjsBackend } from './backend.js';
import { composedNormaliser } from './batchNormalisation.js';
import { exactLogitGradient, plainOperations } from './operations.js';
import { initialiseBackend } from './initialise.js';
import { registerWasmConvolutionGradients } from './wasmConvolutionGradients.js';

const PACKAGE = '@tensorflow/tfjs-backend-wasm';

export const wasmBackend: TfjsBackend = {
  name: 'wasm',
  availability: () => Promise.resolve({ available: true, detail: 'WebAssembly SIMD (XNNPACK), 1 thread' }),
  open: async () => {
    const tf = await import('@tensorflow/tfjs-core');
    await initialiseWasm(tf);
    return {
      tf,
      registeredName: 'wasm',
      description: {
        name: 'wasm',
        device: `${processorName()}, 1 thread`,
        // XNNPACK chooses micro-kernels by the architecture under the wasm virtual machine.
        numericsClass: `tfjs-wasm-${tf.version_core}-${process.arch}`,
        exact: true,
        versions: { tfjs: tf.version_core },
      },
      operations: wasmOperations(tf),
    };
  },
};

async function initialiseWasm(tf: TensorFlow): Promise<void> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(dirname(fileURLToPath(import.meta.resolve(PACKAGE))) + sep);
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false); // threads would divide sums among them, and so reorder them
  wasm.setThreadsCount(1);
  await withoutNewProcessListeners(() => initialiseBackend(tf, 'wasm', 'wasm'));
  registerWasmConvolutionGradients(tf);
}

/**
 * Emscripten's start-up code makes the whole process rethrow uncaught errors and rejections from listeners of its own,
 * which changes exit codes and hides the cause. A library must not decide that.
 */
async function withoutNewProcessListeners(start: () => Promise<void>): Promise<void> {
  const events = ['uncaughtException', 'unhandledRejection'];
  const before = new Map(events.map((event) => [event, new Set(process.listeners(event as 'exit'))]));
  await start();
  for (const event of events) {
    for (const listener of process.listeners(event as 'exit')) {
      if (!before.get(event)!.has(listener)) process.removeListener(event, listener);
    }
  }
}

function wasmOperations(tf: TensorFlow): Operations {
  return {
    ...plainOperations(tf, exactLogitGradient(tf)),
    normaliser: composedNormaliser(tf, {
      // tfjs transposes before it reduces; XNNPACK's pooling reads the activations in place.
      channelMean: (input) => {
        const [batch, height, width, channels] = input.shape;
        const imageMeans = tf.avgPool(input, [height, width], 1, 'valid');
        const asOneImage: Tensor4D = tf.reshape(imageMeans, [1, batch, 1, channels]);
        return tf.reshape(tf.avgPool(asOneImage, [batch, 1], 1, 'valid'), [channels]);
      },
      // XNNPACK broadcasts row by row: rows of W * C elements are several times faster than rows of C.
      spread: (vector, width) => tf.mul(tf.ones([width, 1]), vector),
    }),
  };
}
