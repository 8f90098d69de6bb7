/**
 * TensorFlow's own library behind tfjs: CUDA where it finds a GPU, else native CPU. Optional:
 * `npm run setup:tensorflow` (scripts/setup-tensorflow.mjs) puts it where tensorflowPackage.ts looks.
 */

import { describeError, LockstepError } from '../../foundation/errors.js';
import type { EngineAvailability } from '../engine.js';
import type { OpenBackend, TensorFlow, TfjsBackend } from './backend.js';
import { hostProcessor, initialiseBackend } from './initialise.js';
import { tensorflowOperations } from './tensorflowOperations.js';
import type { NodeBackend } from './tensorflowOperations.js';
import { findTensorflow, importTensorflow } from './tensorflowPackage.js';
import type { FoundPackage } from './tensorflowPackage.js';

/**
 * What the library reads from the environment when it is loaded. Threads have a copy of the environment that no
 * library sees, so these must be set in the process before it starts any thread. The command line does so; a program
 * that uses Lockstep as a library does it itself. Values that the user has set stay.
 */
export const TENSORFLOW_ENVIRONMENT: Readonly<Record<string, string>> = {
  TF_CPP_MIN_LOG_LEVEL: '2', // warnings about what the library was not built for help nobody here
  TF_FORCE_GPU_ALLOW_GROWTH: 'true', // else one process takes all of a GPU's memory
  TF_DETERMINISTIC_OPS: '1', // kernels that add in one order, also where others are faster
  TF_CUDNN_DETERMINISTIC: '1',
  NVIDIA_TF32_OVERRIDE: '0', // from Ampere on TensorFlow rounds a convolution's inputs to 10 bits, unless told not to
};

/** Names of the variables that nobody has set. */
export function missingEnvironment(): readonly string[] {
  // eslint-disable-next-line no-restricted-properties -- TensorFlow reads these, not Lockstep
  return Object.keys(TENSORFLOW_ENVIRONMENT).filter((name) => process.env[name] === undefined);
}

export const tensorflowBackend: TfjsBackend = { name: 'tensorflow', availability, open };

async function availability(): Promise<EngineAvailability> {
  const found = await findTensorflow();
  return 'url' in found ? { available: true, detail: describeFound(found) } : found;
}

function describeFound({ tensorflowVersion, usesGpu }: Omit<FoundPackage, 'url'>): string {
  return `TensorFlow ${tensorflowVersion} on ${usesGpu ? 'a CUDA GPU' : hostProcessor()}`;
}

async function open(): Promise<OpenBackend> {
  const found = await findTensorflow();
  if (!('url' in found)) throw unavailable(found.reason, found.remedy);
  try {
    const tf = await importTensorflow<TensorFlow>(found.url);
    await initialiseBackend(tf, 'tensorflow', 'tensorflow');
    const backend = tf.backend() as unknown as NodeBackend;
    const { TF_Version: tensorflowVersion } = backend.binding;
    const { isUsingGpuDevice: usesGpu } = backend;
    return {
      tf,
      registeredName: 'tensorflow',
      description: {
        name: 'tensorflow',
        device: describeFound({ tensorflowVersion, usesGpu }),
        numericsClass: `tensorflow-${usesGpu ? 'cuda' : 'cpu'}-${tensorflowVersion}`,
        exact: false,
        versions: { tfjs: tf.version_core, tensorflow: tensorflowVersion },
      },
      operations: tensorflowOperations(tf, backend),
    };
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    throw unavailable(describeError(error), 'use another --engine', error);
  }
}

function unavailable(reason: string, remedy: string, cause?: unknown): LockstepError {
  return new LockstepError(
    'E_ENGINE_UNAVAILABLE',
    `engine tensorflow cannot run here: ${reason}; ${remedy}`,
    { cause },
  );
}
