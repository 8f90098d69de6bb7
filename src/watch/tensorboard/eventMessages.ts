/**
 * The protocol-buffer messages of an event file: tensorboard/compat/proto/event.proto, summary.proto, and
 * plugins/hparams/plugin_data.proto. Numbers in `tag` are their field numbers.
 */

import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Moment, Scalars } from '../follow/curves.js';

const FILE_VERSION = 'brain.Event:2';
const SESSION_START = 1;
const HPARAMS_VERSION = 0;
export const HPARAMS_TAG = '_hparams_/session_start_info';

export interface PngImage {
  readonly tag: string;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly png: Uint8Array;
}

export type HParams = Readonly<Record<string, number | string | boolean>>;

/** Must be a file's first. */
export function fileVersionEvent(timeMs: number): Uint8Array {
  return event({ timeMs, step: 0 }, (message) =>
    message.tag(3, WireType.LengthDelimited).string(FILE_VERSION),
  );
}

/** Makes a reader that has seen this step or later ones, before the run was resumed, forget them. */
export function sessionStartEvent(moment: Moment): Uint8Array {
  return event(moment, (message) => {
    message.tag(7, WireType.LengthDelimited).fork().tag(1, WireType.Varint).int32(SESSION_START).join();
  });
}

/** Float32, as the format has them. */
export function scalarsEvent(moment: Moment, scalars: Scalars): Uint8Array {
  return summaryEvent(moment, (summary) => {
    for (const [tag, value] of scalars) {
      summary.tag(1, WireType.LengthDelimited).fork();
      summary.tag(1, WireType.LengthDelimited).string(tag);
      summary.tag(2, WireType.Bit32).float(value).join();
    }
  });
}

export function imageEvent(moment: Moment, { tag, height, width, channels, png }: PngImage): Uint8Array {
  return summaryEvent(moment, (summary) => {
    summary.tag(1, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).string(tag);
    summary.tag(4, WireType.LengthDelimited).fork();
    summary.tag(1, WireType.Varint).int32(height).tag(2, WireType.Varint).int32(width);
    summary.tag(3, WireType.Varint).int32(channels).tag(4, WireType.LengthDelimited).bytes(png);
    summary.join().join();
  });
}

/** What the HParams page shows of a run. */
export function hparamsEvent(timeMs: number, groupName: string, hparams: HParams): Uint8Array {
  const content = new BinaryWriter();
  content.tag(1, WireType.Varint).int32(HPARAMS_VERSION);
  content.tag(3, WireType.LengthDelimited).fork(); // session_start_info
  for (const [name, value] of Object.entries(hparams)) {
    content.tag(1, WireType.LengthDelimited).fork(); // an entry of a map: key 1, value 2
    content.tag(1, WireType.LengthDelimited).string(name);
    content.tag(2, WireType.LengthDelimited).fork();
    writeValue(content, value);
    content.join().join();
  }
  content.tag(4, WireType.LengthDelimited).string(groupName);
  content
    .tag(5, WireType.Bit64)
    .double(timeMs / 1000)
    .join();
  return summaryEvent({ timeMs, step: 0 }, (summary) => {
    summary.tag(1, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).string(HPARAMS_TAG);
    summary.tag(9, WireType.LengthDelimited).fork(); // metadata
    summary.tag(1, WireType.LengthDelimited).fork(); // plugin_data
    summary.tag(1, WireType.LengthDelimited).string('hparams');
    summary.tag(2, WireType.LengthDelimited).bytes(content.finish());
    summary.join().join();
    writeEmptyTensor(summary);
    summary.join();
  });
}

/** Readers drop a value that has neither a number nor a tensor: one float, 0. */
function writeEmptyTensor(summary: BinaryWriter): void {
  const [FLOAT, ZERO] = [1, 0];
  summary.tag(8, WireType.LengthDelimited).fork().tag(1, WireType.Varint).int32(FLOAT);
  summary.tag(2, WireType.LengthDelimited).fork().join(); // the shape of a scalar
  summary.tag(5, WireType.LengthDelimited).fork().float(ZERO).join().join();
}

/** google.protobuf.Value */
function writeValue(message: BinaryWriter, value: number | string | boolean): void {
  if (typeof value === 'number') message.tag(2, WireType.Bit64).double(value);
  else if (typeof value === 'string') message.tag(3, WireType.LengthDelimited).string(value);
  else message.tag(4, WireType.Varint).bool(value);
}

function summaryEvent(moment: Moment, write: (summary: BinaryWriter) => void): Uint8Array {
  return event(moment, (message) => {
    message.tag(5, WireType.LengthDelimited).fork();
    write(message);
    message.join();
  });
}

function event({ timeMs, step }: Moment, write: (message: BinaryWriter) => void): Uint8Array {
  const message = new BinaryWriter();
  message.tag(1, WireType.Bit64).double(timeMs / 1000);
  if (step !== 0) message.tag(2, WireType.Varint).int64(step);
  write(message);
  return message.finish();
}

/** What is read again of an event: which values it holds, and of which moment. */
export interface EventHead {
  readonly wallTime: number; // seconds
  readonly step: number;
  /** Of its first value; undefined if it holds none. */
  readonly firstTag: string | undefined;
}

/** @throws Error for bytes that are no message */
export function readEventHead(data: Uint8Array): EventHead {
  let [wallTime, step] = [0, 0];
  let firstTag: string | undefined;
  const reader = new BinaryReader(data);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) wallTime = reader.double();
    else if (field === 2) step = Number(reader.int64());
    else if (field === 5) firstTag ??= firstField(firstField(reader.bytes()), 'text');
    else reader.skip(type);
  }
  return { wallTime, step, firstTag };
}

function firstField(message: Uint8Array | undefined): Uint8Array | undefined;
function firstField(message: Uint8Array | undefined, as: 'text'): string | undefined;
/** Field 1 of a message: the values of a summary, the tag of a value. */
function firstField(message: Uint8Array | undefined, as?: 'text'): Uint8Array | string | undefined {
  const reader = new BinaryReader(message ?? new Uint8Array(0));
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) return as === 'text' ? reader.string() : reader.bytes();
    reader.skip(type);
  }
  return undefined;
}
