/** Encodes messages as msgpack and decodes them. Every decoded message has passed its schema. */

import { Packr } from 'msgpackr';
import type { z } from 'zod';
import { describeError, LockstepError } from '../foundation/errors.js';
import { appendByteFields } from './alignedFrame.js';
import { wireByteLength } from '../foundation/wire/format.js';
import type { WireFormat } from '../foundation/wire/format.js';
import { schemas } from './messages.js';
import type { CoordinatorMessage, NodeMessage } from './messages.js';
import { faultOfFrame } from './plainMsgpack.js';

// Plain msgpack only: no record extension, no structured clone, no extension that could build a foreign object.
const packr = new Packr({ useRecords: false, moreTypes: false, structuredClone: false, mapsAsObjects: true });

/** Copies byte strings once, into the frame's own buffer; see `alignedFrame.ts`. */
export function encodeMessage(message: CoordinatorMessage | NodeMessage): Uint8Array {
  const plainFields: Record<string, unknown> = {};
  const byteFields: [string, Uint8Array][] = [];
  for (const [name, value] of Object.entries(message) as [string, unknown][]) {
    if (value instanceof Uint8Array) byteFields.push([name, value]);
    else plainFields[name] = value;
  }
  const head = packr.pack(plainFields);
  return byteFields.length === 0 ? head : appendByteFields(head, byteFields);
}

/** @throws LockstepError E_PROTOCOL if the frame is not msgpack or not a message that a node may send. */
export function decodeNodeMessage(frame: Uint8Array): NodeMessage {
  return decode(frame, schemas.node);
}

/** @throws LockstepError E_PROTOCOL if the frame is not msgpack or not a message that a coordinator may send. */
export function decodeCoordinatorMessage(frame: Uint8Array): CoordinatorMessage {
  return decode(frame, schemas.coordinator);
}

function decode<Schema extends z.ZodType>(frame: Uint8Array, schema: Schema): z.infer<Schema> {
  let value: unknown;
  const fault = faultOfFrame(frame);
  if (fault !== undefined) {
    throw new LockstepError(
      'E_PROTOCOL',
      `a frame of ${frame.byteLength} bytes is not plain msgpack: ${fault}`,
    );
  }
  try {
    value = packr.unpack(frame);
  } catch (error) {
    throw new LockstepError(
      'E_PROTOCOL',
      `a frame of ${frame.byteLength} bytes is not msgpack: ${describeError(error)}`,
    );
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue && issue.path.length > 0 ? `field ${issue.path.join('.')}: ` : '';
  throw new LockstepError(
    'E_PROTOCOL',
    `a frame does not fit the protocol: ${where}${issue?.message ?? 'unknown shape'}`,
  );
}

const FRAME_OVERHEAD_BYTES = 64 * 1024; // more than field names, counters and the longest texts need
const LABEL_BYTES = 1;
const FLOAT_BYTES = 4;

/** The largest frame that a peer may send in a run of this model, in bytes. */
export function largestFrameBytes(limits: {
  readonly parameterCount: number;
  readonly statisticCount: number;
  readonly samplesPerItem: number;
  /** Bytes of one image. */
  readonly imageBytes: number;
  readonly classCount: number;
  /** Of the parameters, or of their gradients. */
  readonly wire?: WireFormat;
}): number {
  const { parameterCount, statisticCount, samplesPerItem, imageBytes, classCount, wire } = limits;
  const tensorBytes = wireByteLength(wire ?? 'float32', parameterCount) + FLOAT_BYTES * statisticCount;
  const itemBytes = samplesPerItem * Math.max(imageBytes + LABEL_BYTES, FLOAT_BYTES * classCount);
  return FRAME_OVERHEAD_BYTES + Math.max(tensorBytes, itemBytes);
}
