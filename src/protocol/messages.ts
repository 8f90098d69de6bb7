/**
 * The messages between the coordinator and its nodes, one schema each. The same messages travel to threads of this
 * process and over WebSocket; see docs/protocol.md for the conversation as a whole.
 *
 * Tensors travel as ONE flat little-endian float32 byte string (`foundation/littleEndian.ts`), never as nested arrays.
 */

import { z } from 'zod';
import { printable } from '../foundation/printable.js';

/** Raised whenever a message changes its meaning or shape. Both sides must have the same. */
export const PROTOCOL_VERSION = 5;

/** The path of the WebSocket endpoint. */
export const ENDPOINT_PATH = '/lockstep';

const count = z.int().nonnegative();
const word = z.int().min(0).max(0xffffffff);
const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'must be a byte string');
/** May be infinite or NaN: whether a loss that is not finite ends the run is the coordinator's to say, not the codec's. */
const loss = z.custom<number>((value) => typeof value === 'number', 'must be a number');
const randomKey = z.tuple([word, word]);
/** Texts are for people: what could steer a terminal is taken out as they come in. */
const textOf = (maxLength: number): z.ZodType<string> =>
  z
    .string()
    .max(maxLength)
    .transform((text) => printable(text, maxLength));
const shortText = textOf(200);
const reasonText = textOf(2000);

/** Node → coordinator: the first message. Says what the node brings. */
export const helloSchema = z.strictObject({
  type: z.literal('hello'),
  protocolVersion: count,
  /** Augmentation and normalisation run in the node: other code may give other bits in the same numerics class. */
  lockstepVersion: shortText,
  nodeName: shortText,
  /**
   * Made at random by the node's process: what is held against a node is held against whoever has this. Nobody else learns
   * it. Optional only so that nodes of older versions, which have none, are told that their version differs.
   */
  nodeSecret: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional(),
  engine: shortText,
  device: shortText,
  numericsClass: shortText,
  /** Whether the class promises equal bits on every machine. */
  exact: z.boolean(),
  /** Workers that this node brings. */
  threads: z.int().min(1).max(4096),
});

/** Bytes of the images of one item at most: a frame to a node has a limit. */
export const LARGEST_ITEM_BYTES = 128 * 1024 * 1024;

/** Samples of one item at most. */
export const LARGEST_MICRO_BATCH = 4096;

/** A run allows half of its images' side at most. */
export const LARGEST_CROP_PADDING = 16;

/** Characters of a network's description at most. */
export const LONGEST_NETWORK = 2 * 1024 * 1024;

/** Of an image: each is standardised by numbers of its own. */
export const MOST_CHANNELS = 1024;

/** Coordinator → node: the answer to `hello`. All that the node needs to compute. */
export const welcomeSchema = z.strictObject({
  type: z.literal('welcome'),
  runName: shortText,
  lockstepVersion: shortText,
  /** Layers, image shape and class names as JSON (docs/networks.md). The node checks it before it builds anything. */
  network: z.string().max(LONGEST_NETWORK),
  /** Standardisation by the training set: (pixel / 255 - mean) / deviation, per channel. */
  mean: z.array(z.number()).min(1).max(MOST_CHANNELS),
  standardDeviation: z.array(z.number()).min(1).max(MOST_CHANNELS),
  /** Pixels by which the images of `work` are padded before they are cropped. */
  cropPadding: z.int().min(0).max(LARGEST_CROP_PADDING),
  /** Of the targets of `work`: the share that is spread over all classes. */
  labelSmoothing: z.number().min(0).lt(1),
  evaluationStatistics: z.enum(['running', 'batch']),
});

/** Coordinator → node: the state that all following items are computed with. */
export const parametersSchema = z.strictObject({
  type: z.literal('parameters'),
  /** Grows with every change of the state. */
  version: count,
  parameters: bytes, // float32 (parameterCount)
  statistics: bytes, // float32 (statisticCount)
});

/** Coordinator → node: compute the gradient of one micro-batch. */
export const workSchema = z.strictObject({
  type: z.literal('work'),
  step: count,
  microBatch: count,
  pixels: bytes, // uint8 (B, H, W, C)
  labels: bytes, // uint8 (B)
  /** Null without augmentation. */
  augmentationKey: randomKey.nullable(),
  dropoutKey: randomKey,
});

/** Node → coordinator: a gradient, as sums over the micro-batch's samples. */
export const resultSchema = z.strictObject({
  type: z.literal('result'),
  step: count,
  microBatch: count,
  sampleCount: count,
  lossSum: loss,
  correct: count,
  gradientSum: bytes, // float32 (parameterCount)
  /** The micro-batch's mean and unbiased variance of each normalisation, times the sample count. */
  statisticSum: bytes, // float32 (statisticCount)
});

/** More leaves would not fit a frame, with all the rest. */
export const LARGEST_SUM = 256;

/** What is counted of one micro-batch. */
const scoreSchema = z.strictObject({ sampleCount: count, lossSum: loss, correct: count });

/**
 * Node → coordinator: the gradients of 2, 4, 8, … consecutive micro-batches, added as the reduction tree adds them. The
 * first one's index is a multiple of their number. Losses are not added: they are in the order of the micro-batches.
 */
export const sumSchema = z
  .strictObject({
    type: z.literal('sum'),
    step: count,
    /** The first. */
    microBatch: count,
    /** One a micro-batch. */
    leaves: z.array(scoreSchema).min(2).max(LARGEST_SUM),
    gradientSum: bytes, // float32 (parameterCount)
    statisticSum: bytes, // float32 (statisticCount)
  })
  .refine(
    ({ leaves }) => (leaves.length & (leaves.length - 1)) === 0,
    'the number of leaves is no power of two',
  )
  .refine(
    ({ microBatch, leaves }) => microBatch % leaves.length === 0,
    'the first leaf is no multiple of their number',
  );

/** Coordinator → node: evaluate one chunk of samples, without augmentation or dropout. */
export const evaluateSchema = z.strictObject({
  type: z.literal('evaluate'),
  evaluation: count,
  chunk: count,
  pixels: bytes, // uint8 (B, H, W, C)
  labels: bytes, // uint8 (B)
});

/** Node → coordinator: the answer to `evaluate`. */
export const evaluatedSchema = z.strictObject({
  type: z.literal('evaluated'),
  evaluation: count,
  chunk: count,
  sampleCount: count,
  lossSum: loss,
  correct: count,
});

/** Node → coordinator: an item could not be computed; it is handed to another. */
export const failedSchema = z.strictObject({
  type: z.literal('failed'),
  item: z.enum(['work', 'evaluate']),
  /** The step or the evaluation. */
  round: count,
  /** The micro-batch or the chunk. */
  index: count,
  reason: reasonText,
});

/** Coordinator → node: this item is no longer wanted; forget it if it has not been begun. */
export const cancelSchema = z.strictObject({
  type: z.literal('cancel'),
  item: z.enum(['work', 'evaluate']),
  round: count,
  index: count,
});

/** Coordinator → node: answer this micro-batch by itself, not in a sum: the last sum with it could not be used. */
export const apartSchema = z.strictObject({
  type: z.literal('apart'),
  step: count,
  microBatch: count,
});

/** Node → coordinator: send nothing more; what was sent is still answered. The coordinator answers `bye`. */
export const drainSchema = z.strictObject({ type: z.literal('drain') });

/** Coordinator → node: the conversation is over; there is nothing to come back for if `runEnded`. */
export const byeSchema = z.strictObject({
  type: z.literal('bye'),
  runEnded: z.boolean(),
  reason: reasonText,
});

/** Coordinator → node: you cannot take part. Do not come back before the reason is mended. */
export const refusedSchema = z.strictObject({
  type: z.literal('refused'),
  code: shortText,
  reason: reasonText,
});

const fromNodeSchema = z.discriminatedUnion('type', [
  helloSchema,
  resultSchema,
  sumSchema,
  evaluatedSchema,
  failedSchema,
  drainSchema,
]);
const fromCoordinatorSchema = z.discriminatedUnion('type', [
  welcomeSchema,
  parametersSchema,
  workSchema,
  evaluateSchema,
  cancelSchema,
  apartSchema,
  byeSchema,
  refusedSchema,
]);

export type Hello = z.infer<typeof helloSchema>;
export type Welcome = z.infer<typeof welcomeSchema>;
export type Parameters = z.infer<typeof parametersSchema>;
export type Work = z.infer<typeof workSchema>;
export type Result = z.infer<typeof resultSchema>;
export type Sum = z.infer<typeof sumSchema>;
export type Evaluate = z.infer<typeof evaluateSchema>;
export type Evaluated = z.infer<typeof evaluatedSchema>;
export type Failed = z.infer<typeof failedSchema>;
export type Apart = z.infer<typeof apartSchema>;
export type Refused = z.infer<typeof refusedSchema>;
export type Bye = z.infer<typeof byeSchema>;

/** The codes with which a coordinator may end a node's process; a node knows no others. */
export type RefusalCode = 'E_PROTOCOL' | 'E_REFUSED';

/** What a node may send. */
export type NodeMessage = z.infer<typeof fromNodeSchema>;
/** What the coordinator may send. */
export type CoordinatorMessage = z.infer<typeof fromCoordinatorSchema>;

export const schemas = { node: fromNodeSchema, coordinator: fromCoordinatorSchema } as const;
