/**
 * Tests a set-up: gradients of ResNet-8 by TensorFlow must be those of engine `simd`, and a step along one must reduce
 * the loss.
 *
 * Where a value is within a rounding error of zero, its rectifier may pass a gradient in one engine and not in the other.
 * The two then differ by a thousandth or more, and which values do so depends on the processor. Among four images that is
 * rare, so most micro-batches of four differ by rounding alone, or the set-up is wrong.
 */

import { loadEngine, probe, TENSORFLOW_ENVIRONMENT } from '../engine/index.js';
import type { Engine, MicroBatch, VersionedState } from '../engine/index.js';
import { buildModel, initialiseModel, USUAL_PURPOSE } from '../model/index.js';

const SAMPLES = 32;
const COMPARED_SAMPLES = 4;
const { height, width, channels } = USUAL_PURPOSE.inputShape;
const VALUES_PER_IMAGE = height * width * channels;
const CLASSES = USUAL_PURPOSE.classNames.length;
const LEARNING_RATE = 0.05;
/** Rounding stays below 3e-5. */
const TOLERANCE = 1e-4;
/** A GPU may compile its kernels first. */
const TIMEOUT_MS = 600_000;

export interface Proof {
  /** The median difference of the gradients, relative to their size. */
  readonly distance: number;
  readonly lossBefore: number;
  readonly lossAfter: number;
  readonly device: string;
  readonly tensorflowVersion: string;
  readonly usesGpu: boolean;
}

export type ProofOutcome =
  { readonly works: true; readonly proof: Proof } | { readonly works: false; readonly reason: string };

export interface ProofOptions {
  /** What was set up, and not yet moved into place perhaps. */
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** In a process of its own: native code may crash, and its variables have to be set before it is loaded. */
export async function prove({ folder, environment, signal }: ProofOptions): Promise<ProofOutcome> {
  const result = await probe<Proof>(
    `await (await load(${JSON.stringify(import.meta.url)})).measureTensorflow()`,
    {
      timeoutMs: TIMEOUT_MS,
      environment: { ...TENSORFLOW_ENVIRONMENT, ...environment, LOCKSTEP_TENSORFLOW_DIR: folder },
      signal,
    },
  );
  signal.throwIfAborted();
  if (!result.succeeded) return { works: false, reason: result.reason };
  const proof = result.report;
  if (proof.distance < TOLERANCE && proof.lossAfter < proof.lossBefore) return { works: true, proof };
  return { works: false, reason: `wrong results: ${proofText(proof)}` };
}

export function proofText({ distance, lossBefore, lossAfter }: Proof): string {
  return `loss ${lossBefore.toFixed(3)} to ${lossAfter.toFixed(3)}, gradients ${distance.toExponential(1)} from those of engine simd`;
}

/** Runs in the other process. */
export async function measureTensorflow(): Promise<Proof> {
  const model = buildModel('resnet8');
  const state = { ...initialiseModel(model, 1), version: 1 };
  const engine = await loadEngine({ name: 'tensorflow' }, model);
  const distance = await medianDistance(engine, await loadEngine({ name: 'simd' }, model), state);
  const { device, versions } = engine.description;
  return {
    distance,
    ...(await takeStep(engine, state)),
    device,
    tensorflowVersion: versions['tensorflow'] ?? 'unknown',
    usesGpu: device.includes('CUDA'),
  };
}

/** Of the gradients of micro-batches. */
async function medianDistance(engine: Engine, reference: Engine, state: VersionedState): Promise<number> {
  const distances: number[] = [];
  for (let first = 0; first < SAMPLES; first += COMPARED_SAMPLES) {
    const batch = samples(first, COMPARED_SAMPLES);
    const actual = await engine.gradient(state, batch, [0, 0]);
    const expected = await reference.gradient(state, batch, [0, 0]);
    distances.push(relativeDistance(actual.gradientSum, expected.gradientSum));
  }
  return distances.sort((a, b) => a - b)[distances.length >> 1]!;
}

/** A step of plain gradient descent, by TensorFlow alone. */
async function takeStep(
  engine: Engine,
  state: VersionedState,
): Promise<Pick<Proof, 'lossBefore' | 'lossAfter'>> {
  const batch = samples(0, SAMPLES);
  const before = await engine.gradient(state, batch, [0, 0]);
  const parameters = state.parameters.map(
    (value, index) => value - (LEARNING_RATE / SAMPLES) * before.gradientSum[index]!,
  );
  const after = await engine.gradient({ ...state, parameters, version: 2 }, batch, [0, 0]);
  return { lossBefore: before.lossSum / SAMPLES, lossAfter: after.lossSum / SAMPLES };
}

function samples(first: number, count: number): MicroBatch {
  const value = (index: number): number => ((index * 7919) % 2003) / 1001 - 1;
  return {
    images: Float32Array.from({ length: count * VALUES_PER_IMAGE }, (_, index) =>
      value(first * VALUES_PER_IMAGE + index),
    ),
    labels: Uint8Array.from({ length: count }, (_, index) => (first + index) % CLASSES),
  };
}

function relativeDistance(actual: Float32Array, wanted: Float32Array): number {
  let difference = 0;
  let size = 0;
  wanted.forEach((value, index) => {
    difference += (actual[index]! - value) ** 2;
    size += value ** 2;
  });
  return Math.sqrt(difference / size);
}
