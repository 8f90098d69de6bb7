/**
 * Classifies images for the live page with a run's weights: prepared as `lockstep predict` prepares a picture, computed as a
 * thread of a worker computes an evaluation.
 */

import { convertChannels, resizePixels } from '../../../data/pages.js';
import { simdEngine } from '../../../engine/simd/index.js';
import { probabilitiesOf } from '../../../engine/softmaxCrossEntropy.js';
import { describeError, LockstepError } from '../../../foundation/errors.js';
import { floatsFromLittleEndian } from '../../../foundation/littleEndian.js';
import type { WeightsHeader } from '../../../watch/live/api.js';
import { TaskRunner } from '../../../worker/pages.js';
import type { ComputeSession, EngineDescription, SharedState } from '../../../worker/pages.js';
import type { Classified, FromTry, RawPicture, ToTry } from './talk.js';

const ENGINE = { name: 'simd' } as const;
const MOST_CLASSES = 5;

/** A run, as far as an evaluation needs it. */
interface Loaded {
  readonly session: ComputeSession;
  readonly state: SharedState;
  readonly shape: { readonly height: number; readonly width: number; readonly channels: 1 | 3 };
  readonly classNames: readonly string[];
}

export function serveAsClassifier(): void {
  const classifier = new Classifier();
  let last = Promise.resolve();
  self.addEventListener('message', ({ data }: MessageEvent<ToTry>) => {
    last = last.then(async () => self.postMessage(await answer(classifier, data)));
  });
}

function answer(classifier: Classifier, message: ToTry): Promise<FromTry> {
  const made = message.kind === 'weights' ? classifier.load(message.frame) : classifier.classify(message);
  return made.catch((error: unknown) => ({ kind: 'error', message: describeError(error) }));
}

class Classifier {
  private readonly runner = new TaskRunner(({ numerics }, model) => simdEngine.load(model, numerics));
  private description: EngineDescription | undefined;
  private loaded: Loaded | undefined;
  private version = 0;

  async load(frame: ArrayBuffer): Promise<FromTry> {
    this.description ??= await this.describe();
    const { header, state } = parsed(frame);
    this.loaded = loadedFrom(header, { ...state, version: ++this.version });
    return { kind: 'ready', checkpoint: header.checkpoint, epoch: header.epoch };
  }

  async classify({ pixels, height, width }: RawPicture): Promise<Classified> {
    const { loaded, description } = this;
    if (!loaded || !description) throw new LockstepError('E_INTERNAL', 'a picture came before the weights');
    const { session, state, shape, classNames } = loaded;
    const bytes = new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
    const converted = convertChannels(bytes, 4, shape.channels);
    const seen = resizePixels(converted, { height, width, channels: shape.channels }, shape).slice();
    const labels = new Uint8Array(1); // nobody asks for the loss
    const task = { kind: 'evaluate', engine: ENGINE, session, state, pixels: seen, labels } as const;
    const result = await this.runner.run(task);
    if (result.kind === 'error') throw new LockstepError(result.code, result.message);
    if (result.kind !== 'evaluation') throw new LockstepError('E_INTERNAL', `answered ${result.kind}`);
    const { numericsClass } = description;
    const classes = mostProbable(result.logits, classNames);
    return { kind: 'classified', classes, seen: { ...shape, pixels: seen }, numericsClass };
  }

  private async describe(): Promise<EngineDescription> {
    const described = await this.runner.run({ kind: 'describe', engine: ENGINE });
    if (described.kind === 'description') return described.description;
    throw new LockstepError('E_ENGINE_UNAVAILABLE', 'this browser has no WebAssembly SIMD; use a newer one');
  }
}

function parsed(frame: ArrayBuffer): {
  readonly header: WeightsHeader;
  readonly state: Omit<SharedState, 'version'>;
} {
  const length = new DataView(frame).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(frame, 4, length))) as WeightsHeader;
  const floats = floatsFromLittleEndian(new Uint8Array(frame, 4 + length));
  const { parameterCount } = header;
  return {
    header,
    state: { parameters: floats.subarray(0, parameterCount), statistics: floats.subarray(parameterCount) },
  };
}

/** @throws LockstepError E_MODEL for a network whose images no picture holds */
function loadedFrom(header: WeightsHeader, state: SharedState): Loaded {
  const { network, mean, standardDeviation, evaluationViews } = header;
  const { inputShape, classNames } = JSON.parse(network) as {
    readonly inputShape: { readonly height: number; readonly width: number; readonly channels: number };
    readonly classNames: readonly string[];
  };
  const { channels } = inputShape;
  if (channels !== 1 && channels !== 3) {
    throw new LockstepError(
      'E_MODEL',
      `the network takes images of ${channels} channels, and pictures have 1 or 3`,
    );
  }
  const session: ComputeSession = {
    ...{ network, evaluationViews },
    normalisation: { mean, standardDeviation },
    evaluationStatistics: 'running', // as `predict`: of a single image there are no others
    ...{ augmentation: { cropPadding: 0, border: 'zero', cutout: 0 }, labelSmoothing: 0, wire: 'float32' },
  };
  return { session, state, shape: { ...inputShape, channels }, classNames };
}

/** Of equal classes the first comes first, as in an evaluation. */
function mostProbable(logits: Float32Array, classNames: readonly string[]): Classified['classes'] {
  const { shares } = probabilitiesOf(logits);
  return shares
    .map((probability, label) => ({ name: classNames[label]!, probability }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, MOST_CLASSES);
}
