/**
 * The messages between the coordinator and its nodes, with a schema for each. Nodes of this process and remote nodes get
 * the same messages. docs/protocol.md describes the conversation as a whole.
 *
 * Tensors travel as ONE flat byte string, never as nested arrays: little-endian float32 (`foundation/littleEndian.ts`), and
 * sums of gradients in the run's wire form (`foundation/wire/format.ts`).
 */

import { z } from 'zod';
import { printable } from '../foundation/printable.js';
import { WEIGHT_FORMATS, WIRE_FORMATS } from '../foundation/wire/format.js';

/** Raised when a message changes its meaning or shape. Both sides must have the same number. */
export const PROTOCOL_VERSION = 8;

/** The path of the WebSocket endpoint. */
export const ENDPOINT_PATH = '/lockstep';

const count = z.int().nonnegative();
const word = z.int().min(0).max(0xffffffff);
const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'must be a byte string');
/** May be infinite or NaN: the coordinator, not the codec, decides whether that ends the run. */
const loss = z.custom<number>((value) => typeof value === 'number', 'must be a number');
const randomKey = z.tuple([word, word]);
/** Texts are shown to people. Control characters that could affect a terminal are removed on receipt. */
const textOf = (maxLength: number): z.ZodType<string> =>
  z
    .string()
    .max(maxLength)
    .transform((text) => printable(text, maxLength));
const shortText = textOf(200);
const reasonText = textOf(2000);

/** The most relays that one names, itself included. */
export const MOST_RELAYS = 1024;

/** The most numerics classes that are told: an honest run has one, or two or three. */
const MOST_CLASSES = 64;

/** The most workers of a node. */
export const MOST_THREADS = 4096;

const workersFields = {
  engine: shortText,
  device: shortText,
  numericsClass: shortText,
  /** Whether the class promises equal bits on every machine. */
  exact: z.boolean(),
  /** Workers that this node brings; 0: a relay without any, which is given no items. */
  threads: z.int().min(0).max(MOST_THREADS),
  /** Of a relay: its own random identity, and those of the relays behind it, so that none attaches to itself. */
  relays: z
    .array(z.string().regex(/^[0-9a-f]{16}$/))
    .max(MOST_RELAYS)
    .optional(),
};

/** Node → coordinator: the first message. Describes the node. */
export const helloSchema = z.strictObject({
  type: z.literal('hello'),
  protocolVersion: count,
  /** Augmentation and normalisation run in the node: other code may give other bits in the same numerics class. */
  lockstepVersion: shortText,
  nodeName: shortText,
  /**
   * Random, made by the node's process. The coordinator keeps a node's record of faults under it. Nobody else learns it.
   * Optional only so that a node of an older version, which sends none, is told that the versions differ.
   */
  nodeSecret: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional(),
  /** Set if the node is to be refused where its results would be of another class than the run's. Pages send it. */
  onlyClassOfRun: z.literal(true).optional(),
  ...workersFields,
});

/** Node → coordinator: what it brings has changed. Relays send it, whose workers come and go. */
export const workersSchema = z.strictObject({ type: z.literal('workers'), ...workersFields });

/** The most bytes of the images of one item: frames to a node are limited. */
export const LARGEST_ITEM_BYTES = 128 * 1024 * 1024;

/** The most samples in one item. */
export const LARGEST_MICRO_BATCH = 4096;

/** A run allows half of its images' side at most. */
export const LARGEST_CROP_PADDING = 16;

/** A run allows the images' side at most. */
export const LARGEST_CUTOUT = 224;

/** From there on the shares are a half, nearly. */
export const LARGEST_MIXUP = 100;

/** The most characters in the description of a network. */
export const LONGEST_NETWORK = 2 * 1024 * 1024;

/** The most channels of an image. */
export const MOST_CHANNELS = 1024;

/** Coordinator → node: the answer to `hello`. All that the node needs to compute. */
export const welcomeSchema = z.strictObject({
  type: z.literal('welcome'),
  runName: shortText,
  lockstepVersion: shortText,
  /** How long the run is, for people: it may stop early. Left out where it has no steps. */
  length: z.strictObject({ steps: count, samplesPerStep: count }).optional(),
  /** Layers, image shape and class names as JSON (docs/networks.md). The node checks it before it builds anything. */
  network: z.string().max(LONGEST_NETWORK),
  /** Standardisation by the training set: (pixel / 255 - mean) / deviation, per channel. */
  mean: z.array(z.number()).min(1).max(MOST_CHANNELS),
  standardDeviation: z.array(z.number()).min(1).max(MOST_CHANNELS),
  /** Pixels by which the images of `work` are padded before they are cropped. */
  cropPadding: z.int().min(0).max(LARGEST_CROP_PADDING),
  /** What the padding holds: zeros after standardisation, or the image's reflection. */
  border: z.enum(['zero', 'reflect']),
  /** Side of the square in each image of `work` that is set to zero after standardisation; 0: none. */
  cutout: z.int().min(0).max(LARGEST_CUTOUT),
  /** How far the colours of each image of `work` are changed; 0: not at all. */
  colourJitter: z.number().min(0).max(1),
  /** The images of `work` are mixed in shares from Beta(mixup, mixup); 0: none is. */
  mixup: z.number().min(0).max(LARGEST_MIXUP),
  /** Of the targets of `work`: the share that is spread over all classes. */
  labelSmoothing: z.number().min(0).lt(1),
  evaluationStatistics: z.enum(['running', 'batch']),
  /** The views of each image whose logits an evaluation averages. */
  evaluationViews: z.enum(['none', 'flip', 'full']),
  /** The form of every sum of gradients, which nodes round to before they add and before they send. */
  wire: z.enum(WIRE_FORMATS),
});

/**
 * Coordinator → node: the state that all following items are computed with. In a run of a compact wire form the weights of
 * a step are rounded, for all nodes alike.
 */
export const parametersSchema = z.strictObject({
  type: z.literal('parameters'),
  /** Increases with every change of the state. */
  version: count,
  /** The form of the parameters. */
  wire: z.enum(WEIGHT_FORMATS),
  parameters: bytes, // in that form (parameterCount)
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
  /** uint8 (B), 1 for a sample that is mirrored; null: drawn with the crop. */
  mirrored: bytes.nullable(),
  dropoutKey: randomKey,
  /** The same for all items of a step; null if the wire form draws no random numbers. */
  roundingKey: randomKey.nullable(),
});

/** Node → coordinator: a gradient, as sums over the micro-batch's samples. */
export const resultSchema = z.strictObject({
  type: z.literal('result'),
  step: count,
  microBatch: count,
  sampleCount: count,
  lossSum: loss,
  correct: count,
  gradientSum: bytes, // wire form (parameterCount)
  /** The micro-batch's mean and unbiased variance of each normalisation, times the sample count. */
  statisticSum: bytes, // float32 (statisticCount)
});

/** More leaves would not fit into a frame. */
export const LARGEST_SUM = 256;

/** The counts and the loss of one micro-batch. */
const scoreSchema = z.strictObject({ sampleCount: count, lossSum: loss, correct: count });

/**
 * Node → coordinator: the gradients of 2, 4, 8, … consecutive micro-batches, added and rounded as the reduction tree does.
 * The first index is a multiple of their number. Losses are not added: there is one per micro-batch, in order.
 */
export const sumSchema = z
  .strictObject({
    type: z.literal('sum'),
    step: count,
    /** The first of them. */
    microBatch: count,
    /** One per micro-batch. */
    leaves: z.array(scoreSchema).min(2).max(LARGEST_SUM),
    gradientSum: bytes, // wire form (parameterCount)
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
  /** Set if the answer is to hold the logits: validation during training needs only their sums. */
  wantsLogits: z.literal(true).optional(),
});

/** Node → coordinator: the answer to `evaluate`. */
export const evaluatedSchema = z.strictObject({
  type: z.literal('evaluated'),
  evaluation: count,
  chunk: count,
  sampleCount: count,
  lossSum: loss,
  correct: count,
  /** If they were asked for. */
  logits: bytes.optional(), // float32 (B, classes)
});

/** Node → coordinator: the item could not be computed. Another node gets it. */
export const failedSchema = z.strictObject({
  type: z.literal('failed'),
  item: z.enum(['work', 'evaluate']),
  /** The step or the evaluation. */
  round: count,
  /** The micro-batch or the chunk. */
  index: count,
  reason: reasonText,
});

/** Coordinator → node: the item is no longer wanted. Drop it if it has not been begun. */
export const cancelSchema = z.strictObject({
  type: z.literal('cancel'),
  item: z.enum(['work', 'evaluate']),
  round: count,
  index: count,
});

/** Coordinator → node: answer this micro-batch alone, not in a sum. The last sum with it could not be used. */
export const apartSchema = z.strictObject({
  type: z.literal('apart'),
  step: count,
  microBatch: count,
});

/** Node → coordinator: send no more items. Items already sent are still answered; then the coordinator sends `bye`. */
export const drainSchema = z.strictObject({ type: z.literal('drain') });

/** Coordinator → node: the conversation is over. If `runEnded`, the node need not reconnect. */
export const byeSchema = z.strictObject({
  type: z.literal('bye'),
  runEnded: z.boolean(),
  reason: reasonText,
});

/** Coordinator → node: the node cannot take part. It must not reconnect until the cause is fixed. */
export const refusedSchema = z.strictObject({
  type: z.literal('refused'),
  code: shortText,
  reason: reasonText,
  /** The classes of the run, if the node asked for those only and has another. */
  numericsClasses: z.array(shortText).max(MOST_CLASSES).optional(),
});

const fromNodeSchema = z.discriminatedUnion('type', [
  helloSchema,
  resultSchema,
  sumSchema,
  evaluatedSchema,
  failedSchema,
  workersSchema,
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
export type Workers = z.infer<typeof workersSchema>;
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

/** The codes with which a coordinator may refuse a node. */
export type RefusalCode = 'E_PROTOCOL' | 'E_REFUSED';

/** What a node may send. */
export type NodeMessage = z.infer<typeof fromNodeSchema>;
/** What the coordinator may send. */
export type CoordinatorMessage = z.infer<typeof fromCoordinatorSchema>;

export const schemas = { node: fromNodeSchema, coordinator: fromCoordinatorSchema } as const;
