/** What a network says of images that are in no data set. */

import type { Recipe } from '../../coordinator/index.js';
import { arrayImageSet, imageByteCount } from '../../data/index.js';
import type { PictureShape } from '../../data/index.js';
import { probabilitiesOf } from '../../engine/index.js';
import { count } from '../../foundation/count.js';
import { LockstepError } from '../../foundation/errors.js';
import { digestState, shapeText } from '../../model/index.js';
import type { Model } from '../../model/index.js';
import { withCleanup } from '../cleanup.js';
import { readForEvaluation } from '../evaluatedCheckpoint.js';
import { startComputer } from '../evaluation/computeLogits.js';
import type { ComputeOptions, LogitComputer } from '../evaluation/computeLogits.js';
import { decodeSources } from './decode.js';
import type { ReadImage } from './decode.js';
import { listSources } from './sources.js';
import type { PictureSource } from './sources.js';

export interface PredictionOptions extends Omit<
  ComputeOptions,
  'evalStatistics' | 'divergence' | 'onProgress'
> {
  /** A checkpoint file, or a run folder: then its best weights, else its last. */
  readonly checkpoint: string;
  /** Files, folders, and pictures in memory. */
  readonly images: readonly PictureSource[];
  /** Undefined: as in training. */
  readonly tta?: Recipe['tta'] | undefined;
  /** Told what is known of further images, in their order, as soon as it is. */
  readonly onPredictions?: ((predictions: readonly Prediction[]) => void) | undefined;
  /** Told how many images are answered, of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface PredictedClass {
  readonly name: string;
  readonly label: number;
  /** From 0 to 1. */
  readonly probability: number;
}

export type Prediction =
  /** The most probable classes first, five at most. */
  | { readonly image: string; readonly classes: readonly PredictedClass[] }
  /** It cannot be read, and why. */
  | { readonly image: string; readonly problem: string };

export interface PredictionOutcome {
  readonly checkpoint: string;
  readonly model: string;
  readonly epoch: number;
  readonly weightsSha256: string;
  readonly tta: Recipe['tta'];
  /** In the order in which they were given; of a folder, by name. */
  readonly images: readonly Prediction[];
}

const MOST_CLASSES = 5;
/** Decoded images that wait for the network: few enough for any memory. */
const PART_BYTES = 32 << 20;
/** So few that someone who waits sees answers come, and enough to keep all cores busy. */
const PART_IMAGES = 256;

/** @throws LockstepError, among others E_STOPPED if the signal came first */
export async function predictImages(options: PredictionOptions): Promise<PredictionOutcome> {
  const { signal } = options;
  const found = await readForEvaluation(options.checkpoint);
  const { file, checkpoint, state, epoch } = found;
  const { model, recipe } = checkpoint;
  if (found.damage !== undefined) options.onNotice(`${found.damage}; ${file} is used instead`);
  if (recipe.evalStatistics === 'batch') {
    options.onNotice('the run was evaluated by batch statistics; single images need the running ones');
  }
  const shape = pictureShapeOf(model);
  const sources = listSources(options.images);
  const images: Prediction[] = [];
  try {
    await withCleanup(async (closers) => {
      const divergence = (): Error => notFinite(file);
      const settings = { ...options, onProgress: undefined, evalStatistics: 'running', divergence } as const;
      let started: Promise<LogitComputer> | undefined;
      // Not before there is an image for it: names that were mistyped are answered at once.
      const computer = (): Promise<LogitComputer> => (started ??= startComputer(found, settings, closers));
      for await (const part of partsOf(decodeSources(sources, shape, signal), shape)) {
        const predictions = await predictPart(part, model, computer);
        images.push(...predictions);
        options.onPredictions?.(predictions);
        options.onProgress?.(images.length, sources.length);
      }
    });
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new LockstepError(
      'E_STOPPED',
      `the prediction was interrupted after ${images.length} of ${count(sources.length, 'image')}`,
      { cause: error },
    );
  }
  const tta = options.tta ?? recipe.tta;
  const weightsSha256 = digestState(state);
  return { checkpoint: file, model: model.name, epoch, weightsSha256, tta, images };
}

/** @throws LockstepError E_OPTION for a network whose images no file holds */
function pictureShapeOf({ name, inputShape }: Model): PictureShape {
  const { channels } = inputShape;
  if (channels === 1 || channels === 3) return { ...inputShape, channels };
  throw new LockstepError(
    'E_OPTION',
    `${name} takes images of ${shapeText(inputShape)} (height x width x channels), and files hold 1 or 3 channels; evaluate it from a program`,
  );
}

async function* partsOf(
  images: AsyncIterable<ReadImage>,
  shape: PictureShape,
): AsyncGenerator<readonly ReadImage[]> {
  const most = Math.max(1, Math.min(PART_IMAGES, Math.floor(PART_BYTES / imageByteCount(shape))));
  let part: ReadImage[] = [];
  for await (const image of images) {
    part.push(image);
    if (part.length < most) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

async function predictPart(
  part: readonly ReadImage[],
  model: Model,
  computer: () => Promise<LogitComputer>,
): Promise<readonly Prediction[]> {
  const { inputShape, classNames, classCount } = model;
  const usable = part.flatMap((image) => ('pixels' in image ? [image.pixels] : []));
  let logits = new Float32Array();
  if (usable.length > 0) {
    const pixels = Buffer.concat(usable);
    const labels = new Uint8Array(usable.length); // nobody asks for the loss
    const set = arrayImageSet('images', { pixels, labels }, { imageShape: inputShape, classNames });
    const { logitsOf } = await computer();
    logits = new Float32Array((await logitsOf(set)).logits);
  }
  let answered = 0;
  return part.map((image) => {
    if (!('pixels' in image)) return { image: image.name, problem: image.problem };
    const row = logits.subarray(answered * classCount, ++answered * classCount);
    return { image: image.name, classes: topOf(row, classNames) };
  });
}

/** Of equal classes the first comes first, as in an evaluation. */
function topOf(row: Float32Array, classNames: readonly string[]): readonly PredictedClass[] {
  const { shares } = probabilitiesOf(row);
  return [...row.keys()]
    .sort((a, b) => row[b]! - row[a]! || a - b)
    .slice(0, MOST_CLASSES)
    .map((label) => ({ name: classNames[label]!, label, probability: shares[label]! }));
}

function notFinite(file: string): LockstepError {
  return new LockstepError(
    'E_DIVERGED',
    `what ${file} says of the images is not finite: its training had diverged; use an earlier checkpoint`,
  );
}
