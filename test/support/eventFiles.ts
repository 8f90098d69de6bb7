/** Reads TensorBoard event files with nothing of Lockstep's: frames, checksums bit by bit, and messages by their wire format. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface ReadEvent {
  readonly wallTime: number;
  readonly step: number;
  readonly fileVersion: string | undefined;
  readonly isSessionStart: boolean;
  /** By tag. */
  readonly scalars: ReadonlyMap<string, number>;
  readonly images: ReadonlyMap<
    string,
    { readonly height: number; readonly width: number; readonly png: Buffer }
  >;
  /** The names in the order of the message, where the event holds options. */
  readonly hparams: readonly string[];
}

export function eventFilesOf(runDir: string): readonly string[] {
  const names = readdirSync(runDir).filter((name) => name.includes('tfevents'));
  return names.sort().map((name) => path.join(runDir, name));
}

/** All events of a run. @throws Error for anything that is not whole */
export function readRunEvents(runDir: string): readonly ReadEvent[] {
  return eventFilesOf(runDir).flatMap((file) => readEvents(readFileSync(file)));
}

export function readEvents(bytes: Buffer): readonly ReadEvent[] {
  const events: ReadEvent[] = [];
  for (let at = 0; at < bytes.byteLength;) {
    const length = Number(bytes.readBigUInt64LE(at));
    expectChecksum(bytes, at, at + 8);
    const begin = at + 12;
    expectChecksum(bytes, begin, begin + length);
    events.push(eventOf(bytes.subarray(begin, begin + length)));
    at = begin + length + 4;
  }
  return events;
}

/** Of a curve: its points in the order of the files. */
export function curveOf(
  events: readonly ReadEvent[],
  tag: string,
): readonly { readonly step: number; readonly value: number; readonly wallTime: number }[] {
  return events.flatMap(({ step, wallTime, scalars }) => {
    const value = scalars.get(tag);
    return value === undefined ? [] : [{ step, value, wallTime }];
  });
}

function expectChecksum(bytes: Buffer, from: number, to: number): void {
  let crc = 0xffffffff;
  for (const byte of bytes.subarray(from, to)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  crc = ~crc >>> 0;
  const masked = Number((BigInt((crc >>> 15) | (crc << 17)) + 0xa282ead8n) & 0xffffffffn);
  if (bytes.readUInt32LE(to) !== masked) throw new Error(`a wrong checksum at byte ${to}`);
}

interface Field {
  readonly number: number;
  readonly value: bigint | Buffer;
}

function* fieldsOf(bytes: Buffer): Generator<Field> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => bytes.subarray(at, (at += length));
  while (at < bytes.byteLength) {
    const tag = Number(varint());
    const number = tag >>> 3;
    const type = tag & 7;
    if (type === 0) yield { number, value: varint() };
    else if (type === 1) yield { number, value: take(8) };
    else if (type === 5) yield { number, value: take(4) };
    else if (type === 2) yield { number, value: take(Number(varint())) };
    else throw new Error(`wire type ${type}`);
  }
}

function eventOf(bytes: Buffer): ReadEvent {
  const event = {
    wallTime: NaN,
    step: 0,
    fileVersion: undefined as string | undefined,
    isSessionStart: false,
    scalars: new Map<string, number>(),
    images: new Map<string, { height: number; width: number; png: Buffer }>(),
    hparams: [] as string[],
  };
  for (const { number, value } of fieldsOf(bytes)) {
    if (number === 1) event.wallTime = (value as Buffer).readDoubleLE();
    else if (number === 2) event.step = Number(value);
    else if (number === 3) event.fileVersion = String(value);
    else if (number === 7) event.isSessionStart = (value as Buffer).equals(Buffer.from([0x08, 0x01]));
    else if (number === 5) readSummary(value as Buffer, event);
    else throw new Error(`field ${number} of an event`);
  }
  return event;
}

type Collected = Pick<ReadEvent, 'hparams'> & {
  readonly scalars: Map<string, number>;
  readonly images: Map<string, { height: number; width: number; png: Buffer }>;
};

function readSummary(bytes: Buffer, event: Collected): void {
  for (const { value: summaryValue } of fieldsOf(bytes)) {
    const fields = new Map([...fieldsOf(summaryValue as Buffer)].map(({ number, value }) => [number, value]));
    const tag = String(fields.get(1));
    const scalar = fields.get(2);
    const image = fields.get(4);
    const metadata = fields.get(9);
    if (scalar) event.scalars.set(tag, (scalar as Buffer).readFloatLE());
    if (image) {
      const of = new Map([...fieldsOf(image as Buffer)].map(({ number, value }) => [number, value]));
      event.images.set(tag, {
        height: Number(of.get(1)),
        width: Number(of.get(2)),
        png: of.get(4) as Buffer,
      });
    }
    if (metadata) (event.hparams as string[]).push(...hparamNames(metadata as Buffer));
  }
}

function hparamNames(metadata: Buffer): string[] {
  const inner = (bytes: Buffer, number: number): Buffer =>
    [...fieldsOf(bytes)].find((field) => field.number === number)!.value as Buffer;
  const sessionStart = inner(inner(inner(metadata, 1), 2), 3);
  return [...fieldsOf(sessionStart)]
    .filter(({ number }) => number === 1)
    .map(({ value }) => String(inner(value as Buffer, 1)));
}
