/** Hostile frames: frame `index` of a seed is always the same, so that one that did harm can be made again. */

import { Packr } from 'msgpackr';
import { RandomStream } from '../../src/foundation/random.js';
import { encodeMessage } from '../../src/protocol/index.js';
import {
  COORDINATOR_MESSAGES,
  evaluated,
  failed,
  hello,
  NODE_MESSAGES,
  result,
} from '../support/messages.js';

const packr = new Packr({ useRecords: false });

/** What a worker sends; the gradients are far too short for any model, so that no mutation of one is a real gradient. */
const FROM_NODES = [
  ...NODE_MESSAGES,
  result({ step: 2 ** 40 }),
  evaluated({ evaluation: 2 ** 40 }),
  failed(),
];
const REAL_FRAMES = [...FROM_NODES, ...COORDINATOR_MESSAGES].map((message) => encodeMessage(message));

type Maker = (random: RandomStream) => Uint8Array;

/** A whole number from `least` to `most`. */
export function between(random: RandomStream, least: number, most: number): number {
  return least + random.nextBelow(most - least + 1);
}

export function oneOf<Value>(random: RandomStream, values: readonly Value[]): Value {
  return values[random.nextBelow(values.length)]!;
}

export function randomBytes(random: RandomStream, byteCount: number): Uint8Array {
  const words = Uint32Array.from({ length: Math.ceil(byteCount / 4) }, () => random.nextUint32());
  return new Uint8Array(words.buffer, 0, byteCount);
}

const realFrame = (random: RandomStream): Uint8Array => Uint8Array.from(oneOf(random, REAL_FRAMES));

const bigEndian = (value: number): number[] => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff);

/** A real message with one field replaced by ready msgpack bytes. */
function withField(random: RandomStream, value: Uint8Array): Uint8Array {
  const fields = Object.entries(oneOf(random, FROM_NODES));
  const replaced = random.nextBelow(fields.length);
  return Buffer.concat([
    Uint8Array.of(0x80 | fields.length),
    ...fields.flatMap(([name, old], at) => [packr.pack(name), at === replaced ? value : packr.pack(old)]),
  ]);
}

/** Alone, or where a field's value belongs. */
const aloneOrInside = (random: RandomStream, bytes: Uint8Array): Uint8Array =>
  random.nextBelow(2) === 0 ? bytes : withField(random, bytes);

const ODD_VALUES: readonly unknown[] = [
  ...[null, true, -1, 0.5, 2 ** 53, -(2 ** 60), NaN, Infinity, 1e308, '', 'x'.repeat(5000), '\u001b[2J'],
  ...[[], {}, [[1.5], [2.5]], { 0: 1, length: 1 }, { __proto__: null, constructor: 1 }, new Uint8Array(5000)],
];

const TEXT = (text: string): number[] => [0xa0 | text.length, ...Buffer.from(text)];

/** What a frame of each kind is made of. */
export const FRAME_KINDS: Readonly<Record<string, Maker>> = {
  'random bytes': (random) => randomBytes(random, between(random, 0, 400)),
  'bytes changed': (random) => {
    const frame = realFrame(random);
    for (let count = between(random, 1, 8); count > 0; count--)
      frame[random.nextBelow(frame.length)] = random.nextUint32() & 0xff;
    return frame;
  },
  'one bit flipped': (random) => {
    const frame = realFrame(random);
    frame[random.nextBelow(frame.length)]! ^= 1 << random.nextBelow(8);
    return frame;
  },
  'cut short': (random) => {
    const frame = realFrame(random);
    return frame.subarray(0, random.nextBelow(frame.length));
  },
  'with more behind': (random) =>
    Buffer.concat([realFrame(random), randomBytes(random, between(random, 1, 40))]),
  'two halves': (random) => {
    const [head, tail] = [realFrame(random), realFrame(random)];
    return Buffer.concat([
      head.subarray(0, random.nextBelow(head.length)),
      tail.subarray(random.nextBelow(tail.length)),
    ]);
  },
  'a field of another type': (random) => withField(random, packr.pack(oneOf(random, ODD_VALUES))),
  'deep nesting': (random) => {
    const depth = 2 ** between(random, 3, 14);
    const level = oneOf(random, [[0x91], [0x81, 0xa1, 0x61], [0xdd, 0, 0, 0, 1], [0xdf, 0, 0, 0, 1, 0x01]]);
    const levels = Buffer.alloc(depth * level.length, Uint8Array.from(level));
    const closed = random.nextBelow(2) === 0 ? Uint8Array.of(0xc0) : new Uint8Array();
    return aloneOrInside(random, Buffer.concat([levels, closed]));
  },
  'a huge declared length': (random) => {
    const type = oneOf(random, [0xdd, 0xdf, 0xc6, 0xdb, 0xc9]);
    const declared = oneOf(random, [0xffffffff, 0x7fffffff, 0x80000000, between(random, 1000, 0x40000000)]);
    const rest = randomBytes(random, between(random, 0, 20));
    return aloneOrInside(random, Uint8Array.from([type, ...bigEndian(declared), ...rest]));
  },
  'very many values': (random) => {
    const count = 2 ** between(random, 9, 15);
    if (random.nextBelow(2) === 0)
      return aloneOrInside(
        random,
        Buffer.concat([Uint8Array.from([0xdd, ...bigEndian(count)]), new Uint8Array(count)]),
      );
    const entries = Buffer.alloc(4 * count, Uint8Array.of(0xcd, 0, 0, 0xc0)); // key: a 16-bit number; value: nil
    for (let key = 0; key < count; key++) entries.writeUInt16BE(key, 4 * key + 1);
    return aloneOrInside(random, Buffer.concat([Uint8Array.from([0xdf, ...bigEndian(count)]), entries]));
  },
  'an extension type': (random) => {
    const fixed = random.nextBelow(5);
    const type = oneOf(random, [
      0xff,
      0,
      0x73,
      0x78,
      0x65,
      0x74,
      0x42,
      0x70,
      0x69,
      0x62,
      0x72,
      random.nextBelow(256),
    ]);
    const length = between(random, 0, 40);
    const head = random.nextBelow(2) === 0 ? [0xd4 + fixed, type] : [0xc7, length, type];
    return aloneOrInside(
      random,
      Uint8Array.from([...head, ...randomBytes(random, head.length === 2 ? 2 ** fixed : length)]),
    );
  },
  'a name of the language': (random) => {
    const name = oneOf(random, [
      '__proto__',
      'constructor',
      'prototype',
      'toString',
      'hasOwnProperty',
      'then',
    ]);
    const value = [0x81, ...TEXT('polluted'), 0xc3];
    return Uint8Array.from([0x82, ...TEXT('type'), ...TEXT('drain'), ...TEXT(name), ...value]);
  },
  'the other side’s message': (random) => encodeMessage(oneOf(random, COORDINATOR_MESSAGES)),
};

export const FRAME_KIND_NAMES = Object.keys(FRAME_KINDS);

export interface HostileFrame {
  readonly kind: string;
  readonly bytes: Uint8Array;
}

/** Frame `index` of the seed. The kinds take turns. */
export function hostileFrame(seed: number, index: number): HostileFrame {
  const kind = FRAME_KIND_NAMES[index % FRAME_KIND_NAMES.length]!;
  return { kind, bytes: FRAME_KINDS[kind]!(new RandomStream([seed >>> 0, index])) };
}

/** A hello as a node would say it. */
export const helloFrame = (nodeName: string): Uint8Array =>
  encodeMessage(hello({ nodeName, engine: 'simd', device: 'fuzz', numericsClass: 'fuzz', exact: false }));
