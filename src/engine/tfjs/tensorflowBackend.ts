/**
 * TensorFlow's own library behind tfjs: CUDA where it finds a GPU, else native CPU. Optional:
 * `lockstep setup tensorflow` (src/setup/) puts it where tensorflowPackage.ts looks.
 */

import { describeError, LockstepError } from '../../foundation/errors.js';
import type { EngineAvailability } from '../engine.js';
import { processorName } from '../host.js';
import type { OpenBackend, TensorFlow, TfjsBackend } from './backend.js';
import { initialiseBackend } from './initialise.js';
import { tensorflowOperations } from './tensorflowOperations.js';
import type { NodeBackend } from './tensorflowOperations.js';
import { findTensorflow, importTensorflow } from './tensorflowPackage.js';
import type { FoundPackage } from './tensorflowPackage.js';

export const tensorflowBackend: TfjsBackend = { name: 'tensorflow', availability, open };

async function availability(): Promise<EngineAvailability> {
  const found = await findTensorflow();
  return 'url' in found ? { available: true, detail: describeFound(found) } : found;
}

function describeFound({ tensorflowVersion, usesGpu }: Omit<FoundPackage, 'url'>): string {
  return `TensorFlow ${tensorflowVersion} on ${usesGpu ? 'a CUDA GPU' : processorName()}`;
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
    throw unavailable(describeError(error), 'use another engine', error);
  }
}

function unavailable(reason: string, remedy: string, cause?: unknown): LockstepError {
  return new LockstepError(
    'E_ENGINE_UNAVAILABLE',
    `engine tensorflow cannot run here: ${reason}; ${remedy}`,
    { cause },
  );
}
