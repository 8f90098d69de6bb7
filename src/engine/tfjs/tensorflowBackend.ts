/**
 * TensorFlow's own library behind tfjs: `@tensorflow/tfjs-node-gpu` (CUDA), else `@tensorflow/tfjs-node` (native CPU).
 * Both are optional.
 */

import { describeError, LockstepError } from '../../foundation/errors.js';
import type { EngineAvailability } from '../engine.js';
import type {
  ConvolutionGeometry,
  OpenBackend,
  Operations,
  Tensor4D,
  TensorFlow,
  TfjsBackend,
} from './backend.js';
import { hostProcessor, initialiseBackend } from './initialise.js';
import { convolutionGradientKernels, deviceLogitGradient, plainOperations } from './operations.js';
import { importPackage, locatePackage, probe } from './optionalPackage.js';

const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;
const INSTALL = `npm install --no-save ${PACKAGES[0]}@4.22.0 (CUDA), or ${PACKAGES[1]}@4.22.0 (CPU)`;
const REPAIR = 'npm rebuild @tensorflow/tfjs-node --build-addon-from-source, or use another --engine';

/** Of the backend, no more than is used here. */
interface NodeBackend {
  readonly isUsingGpuDevice?: boolean;
  readonly binding?: { readonly TF_Version?: string };
}

interface Found {
  readonly url: string;
  readonly packageName: string;
  readonly tensorflowVersion: string;
  readonly usesGpu: boolean;
}

export const tensorflowBackend: TfjsBackend = { name: 'tensorflow', availability, open };

async function availability(): Promise<EngineAvailability> {
  const found = await findPackage();
  return 'url' in found ? { available: true, detail: describeFound(found) } : found;
}

/** The first of the packages that loads, in a process of its own. */
async function findPackage(): Promise<Found | Extract<EngineAvailability, { available: false }>> {
  const failures: string[] = [];
  for (const packageName of PACKAGES) {
    const url = locatePackage(packageName);
    if (url === undefined) continue;
    const result = await probe<Pick<Found, 'tensorflowVersion' | 'usesGpu'>>(`await (async () => {
      process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
      const backend = (await load(${JSON.stringify(url)})).backend();
      return { tensorflowVersion: backend.binding.TF_Version, usesGpu: backend.isUsingGpuDevice };
    })()`);
    if (result.succeeded) return { ...result.report, url, packageName };
    failures.push(`${packageName} does not load: ${result.reason}`);
  }
  if (failures.length > 0) return { available: false, reason: failures.join('; '), remedy: REPAIR };
  return { available: false, reason: `not installed: ${PACKAGES.join(' or ')}`, remedy: INSTALL };
}

function describeFound({ tensorflowVersion, usesGpu }: Omit<Found, 'url'>): string {
  return `TensorFlow ${tensorflowVersion} on ${usesGpu ? 'a CUDA GPU' : hostProcessor()}`;
}

async function open(): Promise<OpenBackend> {
  const found = await findPackage();
  if (!('url' in found)) throw unavailable(found.reason, found.remedy);
  try {
    // eslint-disable-next-line no-restricted-properties -- TensorFlow reads it when it is loaded, and nowhere else
    process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'; // warnings about what the library was not built for help nobody here
    const tf = await importPackage<TensorFlow>(found.url);
    await initialiseBackend(tf, 'tensorflow', 'tensorflow');
    const { binding, isUsingGpuDevice } = tf.backend() as NodeBackend;
    const tensorflowVersion = binding?.TF_Version ?? found.tensorflowVersion;
    const usesGpu = isUsingGpuDevice ?? found.usesGpu;
    return {
      tf,
      registeredName: 'tensorflow',
      description: {
        name: 'tensorflow',
        device: describeFound({ packageName: found.packageName, tensorflowVersion, usesGpu }),
        numericsClass: `tfjs-tensorflow-${tensorflowVersion}`,
        exact: false,
        versions: { tfjs: tf.version_core, tensorflow: tensorflowVersion },
      },
      operations: tensorflowOperations(tf),
    };
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    throw unavailable(describeError(error), REPAIR, error);
  }
}

/**
 * The binding knows TensorFlow's paddings `same` and `valid` only. `same` is a pixel of zeros on every side where the
 * stride is 1; where it is 2, the zeros are added here.
 */
function tensorflowOperations(tf: TensorFlow): Operations {
  const kernels = convolutionGradientKernels(tf);
  return {
    ...plainOperations(tf, deviceLogitGradient(tf)),
    convolution: (input, filter, stride) =>
      stride === 1
        ? tf.conv2d(input, filter, 1, 'same')
        : tf.tidy(() => tf.conv2d(withBorder(tf, input), filter, stride, 'valid')),
    convolutionInputGradient: (outputGradient, filter, geometry) => {
      if (geometry.stride === 1) return kernels.byInput(outputGradient, filter, geometry, 'same');
      const [, height, width] = geometry.inputShape;
      return tf.tidy(() => {
        const bordered = kernels.byInput(outputGradient, filter, borderedGeometry(geometry), 'valid');
        return tf.slice(bordered, [0, 1, 1, 0], [-1, height, width, -1]);
      });
    },
    convolutionFilterGradient: (input, outputGradient, geometry) =>
      geometry.stride === 1
        ? kernels.byFilter(input, outputGradient, geometry, 'same')
        : tf.tidy(() => kernels.byFilter(withBorder(tf, input), outputGradient, geometry, 'valid')),
  };
}

function withBorder(tf: TensorFlow, input: Tensor4D): Tensor4D {
  return tf.pad(input, [
    [0, 0],
    [1, 1],
    [1, 1],
    [0, 0],
  ]);
}

function borderedGeometry(geometry: ConvolutionGeometry): ConvolutionGeometry {
  const [batch, height, width, channels] = geometry.inputShape;
  return { ...geometry, inputShape: [batch, height + 2, width + 2, channels] };
}

function unavailable(reason: string, remedy: string, cause?: unknown): LockstepError {
  return new LockstepError(
    'E_ENGINE_UNAVAILABLE',
    `engine tensorflow cannot run here: ${reason}; ${remedy}`,
    {
      cause,
    },
  );
}
