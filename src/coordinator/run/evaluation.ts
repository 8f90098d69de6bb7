/** What an evaluation of a checkpoint found, as it is written to the run folder (docs/run-folder.md). Free of Node: pages use the types. */

import { z } from 'zod';
import { printable } from '../../foundation/printable.js';

const LONGEST_TEXT = 1000;
/** Of any system. */
const LONGEST_PATH = 4096;
const LONGEST_NAME = 100;
/** Labels are bytes. */
const MOST_CLASSES = 256;
const MOST_BINS = 100;
/** The most images that a file may hold, and the longest side of each. */
const MOST_IMAGES = 100;
export const LARGEST_THUMBNAIL_PX = 64;
const MOST_CHANNELS = 4;

const textOf = (longest: number): z.ZodType<string> =>
  z.string().transform((text) => printable(text, longest));
const count = z.int().nonnegative();
const share = z.number().min(0).max(1);
const side = z.int().min(1).max(LARGEST_THUMBNAIL_PX);

const thumbnailSchema = z
  .object({
    height: side,
    width: side,
    channels: z.int().min(1).max(MOST_CHANNELS),
    /** Bytes (height, width, channels), as base64. */
    pixels: z.base64(),
  })
  .refine(
    ({ height, width, channels, pixels }) => byteCountOf(pixels) === height * width * channels,
    'the pixels do not fit the shape',
  );

/** Of base64: four characters are three bytes, less the padding at the end. */
function byteCountOf(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return (base64.length / 4) * 3 - padding;
}

const classSchema = z.object({
  name: textOf(LONGEST_NAME),
  samples: count,
  correct: count,
  /** Share of the images of this class that were taken for it: the accuracy of the class. Null without images. */
  recall: share.nullable(),
  /** Share of this class among the images that were taken for it. Null if none were. */
  precision: share.nullable(),
});

const binSchema = z.object({
  from: share,
  to: share,
  samples: count,
  /** Null without samples. */
  meanConfidence: share.nullable(),
  accuracy: share.nullable(),
});

const worstImageSchema = z.object({
  /** In the test set. */
  index: count,
  label: count,
  predicted: count,
  /** The probability of the predicted class, and of the right one. */
  confidence: share,
  labelProbability: share,
  loss: z.number().nonnegative(),
  /** Of a folder of pictures: its file, from that folder on. */
  file: textOf(LONGEST_PATH).optional(),
  image: thumbnailSchema.optional(),
});

/** The shape of the file. Keys that a later version adds are ignored. */
export const evaluationSchema = z.object({
  /** ISO 8601. */
  evaluatedAt: textOf(LONGEST_NAME),
  lockstepVersion: textOf(LONGEST_NAME),
  checkpoint: textOf(LONGEST_TEXT),
  model: textOf(LONGEST_TEXT),
  dataset: textOf(LONGEST_TEXT),
  epoch: count,
  weightsSha256: textOf(LONGEST_NAME),
  engine: textOf(LONGEST_NAME),
  numericsClass: textOf(LONGEST_NAME),
  evalStatistics: textOf(LONGEST_NAME),
  tta: textOf(LONGEST_NAME).default('none'),
  testLoss: z.number(),
  testAccuracy: share,
  testSamples: count,
  /** By label. */
  classes: z.array(classSchema).min(1).max(MOST_CLASSES),
  /** By true label and predicted label: how many images. */
  confusion: z.array(z.array(count).max(MOST_CLASSES)).max(MOST_CLASSES),
  calibration: z.object({
    /** The mean distance of confidence and accuracy over the bins, weighted by their samples (arXiv:1706.04599). */
    expectedError: share,
    meanConfidence: share,
    bins: z.array(binSchema).max(MOST_BINS),
  }),
  /** Those of the highest loss, the worst first. */
  worstImages: z.array(worstImageSchema).max(MOST_IMAGES),
});

export type Evaluation = z.infer<typeof evaluationSchema>;
export type WorstImage = Evaluation['worstImages'][number];
export type Thumbnail = NonNullable<WorstImage['image']>;

/** Undefined for what is no evaluation, or one whose parts do not fit each other. */
export function parseEvaluation(value: unknown): Evaluation | undefined {
  const parsed = evaluationSchema.safeParse(value);
  if (!parsed.success) return undefined;
  const { classes, confusion, worstImages } = parsed.data;
  const isClass = (label: number): boolean => label < classes.length;
  const fits =
    confusion.length === classes.length &&
    confusion.every((row) => row.length === classes.length) &&
    worstImages.every(({ label, predicted }) => isClass(label) && isClass(predicted));
  return fits ? parsed.data : undefined;
}
