import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { LockstepError } from '../../src/foundation/errors.js';
import {
  decodeCoordinatorMessage,
  decodeNodeMessage,
  encodeMessage,
  LARGEST_SUM,
  largestFrameBytes,
} from '../../src/protocol/index.js';
import type { CoordinatorMessage, NodeMessage } from '../../src/protocol/index.js';
import { schemas } from '../../src/protocol/messages.js';
import { thrownBy } from '../support/errors.js';
import {
  COORDINATOR_MESSAGES,
  evaluated,
  hello,
  NODE_MESSAGES,
  parameters,
  result,
  sum,
  work,
} from '../support/messages.js';

/** Byte strings come back as Buffers, which are Uint8Arrays of another name. */
function plain(message: NodeMessage | CoordinatorMessage): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(message).map(([key, value]) => [key, value instanceof Uint8Array ? [...value] : value]),
  );
}

it.each([
  ['node', NODE_MESSAGES],
  ['coordinator', COORDINATOR_MESSAGES],
] as const)(
  'every message of the %s has a sample, which the tests below and the fuzz tests use',
  (side, samples) => {
    const types = schemas[side].options.map(({ shape }) => shape.type.value);
    expect(types.length).toBeGreaterThan(4);
    expect([...new Set(samples.map(({ type }) => type))].sort()).toEqual([...types].sort());
  },
);

/** msgpack as any other program would write it. */
function packed(value: unknown): Uint8Array {
  return new Packr({ useRecords: false }).pack(value);
}

/** A map of `fields`, with `extra` (ready msgpack bytes) as the value of `key`. */
function packedWith(fields: object, key: string, extra: readonly number[]): Uint8Array {
  const entries = Object.entries(fields).filter(([name]) => name !== key);
  return Buffer.concat([
    Uint8Array.of(0x80 | (entries.length + 1)),
    ...entries.flatMap(([name, value]) => [packed(name), packed(value)]),
    packed(key),
    Uint8Array.from(extra),
  ]);
}

const refuse = (frame: Uint8Array): LockstepError => thrownBy('E_PROTOCOL', () => decodeNodeMessage(frame));

describe('a message that was encoded', () => {
  it.each(NODE_MESSAGES)('comes back equal: $type from a node', (message) => {
    expect(plain(decodeNodeMessage(encodeMessage(message)))).toEqual(plain(message));
  });

  it.each(COORDINATOR_MESSAGES)('comes back equal: $type from the coordinator', (message) => {
    expect(plain(decodeCoordinatorMessage(encodeMessage(message)))).toEqual(plain(message));
  });

  it('has the bytes that the msgpack specification gives it', () => {
    // map 16 of 1; fixstr "type"; fixstr "drain"
    expect(Buffer.from(encodeMessage({ type: 'drain' })).toString('hex')).toBe(
      'de0001a474797065a5647261696e',
    );
  });

  it('may be written with the shorter forms of the specification', () => {
    // fixmap of 1; fixstr "type"; str 8 "drain"
    expect(decodeNodeMessage(Buffer.from('81a474797065d905647261696e', 'hex'))).toEqual({ type: 'drain' });
  });

  it('carries a tensor as one byte string: bin 32, length, bytes', () => {
    const gradientSum = new Uint8Array(70_000).fill(7);
    const frame = Buffer.from(encodeMessage(result({ gradientSum })));
    const at = frame.indexOf('gradientSum') + 'gradientSum'.length;
    expect(frame[at]).toBe(0xc6);
    expect(frame.readUInt32BE(at + 1)).toBe(70_000);
    expect(frame.byteLength).toBeLessThan(70_000 + 400);
  });

  it('keeps the last bit of a loss, and a loss that is not finite', () => {
    for (const lossSum of [Math.PI * 1e-9, 2 ** 53 + 2, Infinity, -Infinity, NaN]) {
      const back = decodeNodeMessage(encodeMessage(evaluated({ lossSum })));
      expect(back.type === 'evaluated' && Object.is(back.lossSum, lossSum)).toBe(true);
      expect(decodeNodeMessage(encodeMessage(result({ lossSum })))).toMatchObject({ lossSum });
    }
  });

  it('comes back equal whatever the byte strings hold', () => {
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.uint8Array(),
        fc.double({ noNaN: true }),
        (gradientSum, statisticSum, lossSum) => {
          const message = result({ gradientSum, statisticSum, lossSum: lossSum + 0 }); // msgpack has no -0
          expect(plain(decodeNodeMessage(encodeMessage(message)))).toEqual(plain(message));
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('a frame that is refused', () => {
  it('belongs to the other side', () => {
    for (const message of COORDINATOR_MESSAGES) refuse(encodeMessage(message));
    for (const message of NODE_MESSAGES) {
      thrownBy('E_PROTOCOL', () => decodeCoordinatorMessage(encodeMessage(message)));
    }
  });

  it.each([
    ['nothing', new Uint8Array()],
    ['the byte that msgpack never uses', Uint8Array.of(0xc1)],
    ['text', Buffer.from('{"type":"drain"}')],
    ['a number', packed(1)],
    ['nil', packed(null)],
    ['a list', packed([{ type: 'drain' }])],
    ['a map without a type', packed({ kind: 'drain' })],
    ['a map with an unknown type', packed({ type: 'reboot' })],
    ['a map with a type that is no text', packed({ type: ['drain'] })],
    ['two messages', Buffer.concat([packed({ type: 'drain' }), packed({ type: 'drain' })])],
    ['a message with a byte after it', Buffer.concat([packed({ type: 'drain' }), Uint8Array.of(0)])],
  ])('is %s', (_what, frame) => {
    refuse(frame);
  });

  it.each(NODE_MESSAGES)('is a $type cut off anywhere', (message) => {
    const frame = encodeMessage(message);
    for (let length = 0; length < frame.byteLength; length++) refuse(frame.subarray(0, length));
  });

  /** Of these the type has a message of its own, and admission.ts judges the secret. */
  const OPTIONAL = ['type', 'nodeSecret'];

  it('lacks a field, and says which', () => {
    for (const message of NODE_MESSAGES) {
      for (const field of Object.keys(message).filter((name) => !OPTIONAL.includes(name))) {
        const { [field]: _left, ...rest } = { ...message } as Record<string, unknown>;
        expect(refuse(packed(rest)).message).toContain(field);
      }
    }
  });

  it('has a field too many', () => {
    for (const message of NODE_MESSAGES) refuse(packed({ ...message, extra: 1 }));
  });

  it.each<[string, object]>([
    ['a step below zero', { step: -1 }],
    ['a fractional count', { correct: 0.5 }],
    ['a count that is text', { sampleCount: '2' }],
    ['a loss that is text', { lossSum: '4' }],
    ['a count beyond exact integers', { step: 2 ** 60 }],
    ['a list where bytes belong', { gradientSum: [0, 0, 128, 63] }],
    ['lists in lists where bytes belong', { gradientSum: [[1.5], [2.5]] }],
    ['text where bytes belong', { gradientSum: 'AACAPw==' }],
    ['a map where bytes belong', { gradientSum: { 0: 1, length: 1 } }],
    ['nil where bytes belong', { statisticSum: null }],
  ])('is a result with %s', (_what, change) => {
    refuse(packed({ ...result(), ...change }));
  });

  const leaf = { sampleCount: 4, lossSum: 1, correct: 0 };
  it.each<[string, object]>([
    ['no leaves', { leaves: [] }],
    ['a single leaf', { leaves: [leaf] }],
    ['three leaves', { leaves: [leaf, leaf, leaf] }],
    ['more leaves than a sum may have', { leaves: new Array(2 * LARGEST_SUM).fill(leaf), microBatch: 0 }],
    ['a first leaf where no range begins', { microBatch: 5 }],
    ['a leaf without a count', { leaves: [leaf, { lossSum: 1, correct: 0 }] }],
    ['a leaf with a field too many', { leaves: [leaf, { ...leaf, gradientSum: new Uint8Array(4) }] }],
    ['leaves that are no list', { leaves: { 0: leaf, 1: leaf } }],
  ])('is a sum with %s', (_what, change) => {
    refuse(packed({ ...sum(), ...change }));
  });

  it('has texts that are too long, or too many threads', () => {
    refuse(packed(hello({ nodeName: 'n'.repeat(201) })));
    refuse(packed(hello({ threads: -1 })));
    for (const nodeSecret of ['', 'f'.repeat(31), 'f'.repeat(33), 'F'.repeat(32), '\n'.repeat(32)])
      refuse(packed(hello({ nodeSecret })));
    refuse(packed(hello({ threads: 4097 })));
    for (const relays of [['0'], ['G'.repeat(16)], [1], new Array(1025).fill('0'.repeat(16))])
      refuse(packed({ ...hello(), relays }));
    const relays = ['0123456789abcdef'];
    expect(decodeNodeMessage(packed(hello({ relays })))).toEqual(hello({ relays }));
  });

  it('has a random key that is not two unsigned 32-bit words', () => {
    for (const dropoutKey of [[1], [1, 2, 3], [1, 2 ** 32], [-1, 0], [0.5, 0], 'ab']) {
      const frame = packed({ ...work(), dropoutKey });
      thrownBy('E_PROTOCOL', () => decodeCoordinatorMessage(frame));
    }
  });
});

describe('a frame that claims more than it holds', () => {
  it.each([
    ['an array of 2^32 - 1', [0xdd, 0xff, 0xff, 0xff, 0xff]],
    ['a map of 2^32 - 1', [0xdf, 0xff, 0xff, 0xff, 0xff]],
    ['a byte string of 4 GiB', [0xc6, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]],
    ['a text of 4 GiB', [0xdb, 0xff, 0xff, 0xff, 0xff, 65]],
  ])('is refused before anything of that size is made: %s', (_what, bytes) => {
    refuse(Uint8Array.from(bytes));
    refuse(packedWith(result(), 'gradientSum', bytes));
  });

  it('is refused when it holds more values than any message, before they are made', () => {
    const many = new Uint8Array(5 + 100_000);
    many.set([0xdd, 0, 1, 0x86, 0xa0]); // an array of 100,000 zeros
    expect(refuse(many).message).toMatch(/more than 4096 values/);
    expect(refuse(packedWith(result(), 'gradientSum', [...many])).message).toMatch(/more than 4096 values/);
  });

  it('is refused when it nests without end', () => {
    refuse(new Uint8Array(1_000_000).fill(0x91)); // an array of an array of …
    refuse(Buffer.concat([new Uint8Array(1_000_000).fill(0x91), Uint8Array.of(0xc0)]));
  });
});

describe('a frame with extension types', () => {
  const text = (characters: string): number[] => [0xa0 | characters.length, ...Buffer.from(characters)];

  // What msgpackr would build: see its unpack.js, currentExtensions.
  it.each<[string, readonly number[]]>([
    ['a timestamp (Date)', [0xd6, 0xff, 0, 0, 0, 0]],
    ['undefined', [0xd4, 0, 0]],
    ['a set', [0xd4, 0x73, 0x91, 1]],
    ['a regular expression', [0xd4, 0x78, 0x92, ...text('(a+)+$'), ...text('g')]],
    ['an error', [0xd4, 0x65, 0x93, ...text('Error'), ...text('boo'), 0xc0]],
    ['a typed array', [0xc7, 2, 0x74, 1, 65]],
    ['a big integer', [0xc7, 2, 0x42, 1, 1]],
    ['a reference', [0xd6, 0x70, 0, 0, 0, 1]],
    ['an object with identity', [0xd6, 0x69, 0, 0, 0, 1, 0x80]],
    ['bundled strings', [0xd6, 0x62, 0, 0, 0, 0]],
    ['an unknown extension', [0xd4, 0x05, 1]],
    ['extensions of every fixed size', [0xd8, 0x05, ...new Array<number>(16).fill(0)]],
    ['a long extension', [0xc8, 0, 2, 0x05, 1, 1]],
    ['a very long extension', [0xc9, 0, 0, 0, 2, 0x05, 1, 1]],
  ])('is refused for the extension, wherever it stands: %s', (_what, bytes) => {
    for (const field of ['gradientSum', 'step', 'lossSum', 'extra', 'type']) {
      expect(refuse(packedWith(result(), field, bytes)).message).toMatch(/extension type/);
    }
  });

  it('is refused where a record (a structure defined in the frame) stands for the message', () => {
    const recordPacker = new Packr({ useRecords: true, structures: [] });
    recordPacker.pack(hello());
    const frame = new Packr({ useRecords: true }).pack(hello());
    for (let turn = 0; turn < 5; turn++) refuse(frame);
  });

  it('passes for the same bytes inside a byte string', () => {
    const gradientSum = Uint8Array.of(0xd4, 0x73, 0x91, 1, 0xc1, 0xc7, 0xff, 0xff);
    expect(decodeNodeMessage(encodeMessage(result({ gradientSum })))).toMatchObject({ type: 'result' });
  });

  it('cannot reach an object’s prototype', () => {
    refuse(packedWith(result(), '__proto__', [0x81, ...text('polluted'), 0xc3]));
    refuse(packedWith({ type: 'drain' }, '__proto__', [0x81, ...text('polluted'), 0xc3]));
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('any bytes', () => {
  const decoders = [decodeNodeMessage, decodeCoordinatorMessage];
  const neverAnotherError = (frame: Uint8Array): void => {
    for (const decode of decoders) {
      try {
        decode(frame);
      } catch (error) {
        expect(error).toBeInstanceOf(LockstepError);
        expect(error).toMatchObject({ code: 'E_PROTOCOL' });
      }
    }
  };

  it('throw nothing but E_PROTOCOL: random frames', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), neverAnotherError), { numRuns: 2000 });
  });

  it('throw nothing but E_PROTOCOL: messages with bytes changed', () => {
    const frames = [...NODE_MESSAGES, ...COORDINATOR_MESSAGES].map((message) => encodeMessage(message));
    const changes = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...frames), changes, (frame, list) => {
        const changed = Uint8Array.from(frame);
        for (const [position, byte] of list) changed[position % changed.length] = byte;
        neverAnotherError(changed);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('largestFrameBytes', () => {
  const limits = {
    parameterCount: 272_474,
    statisticCount: 1376,
    samplesPerItem: 100,
    imageBytes: 3072,
    classCount: 10,
  };

  it('lets through the largest messages of a run, and little more', () => {
    const bytes = largestFrameBytes(limits);
    const tensors = {
      gradientSum: new Uint8Array(4 * limits.parameterCount),
      statisticSum: new Uint8Array(4 * limits.statisticCount),
    };
    const leaf = { sampleCount: 2 ** 40, lossSum: Math.PI, correct: 2 ** 40 };
    const largestSum = new Array<typeof leaf>(LARGEST_SUM).fill(leaf);
    const state = { parameters: tensors.gradientSum, statistics: tensors.statisticSum };
    const largest = [
      encodeMessage(result(tensors)),
      encodeMessage(sum({ ...tensors, microBatch: 0, leaves: largestSum })),
      encodeMessage(parameters(state)),
      encodeMessage(work({ pixels: new Uint8Array(100 * 3072), labels: new Uint8Array(100) })),
    ].map((frame) => frame.byteLength);
    expect(bytes).toBeGreaterThan(Math.max(...largest));
    expect(bytes).toBeLessThan(2 * Math.max(...largest));
  });

  it('follows the samples of an item where they are larger than the model', () => {
    expect(largestFrameBytes({ ...limits, samplesPerItem: 10_000 })).toBeGreaterThan(10_000 * 3073);
  });

  it('lets through the logits of many classes where images and network are small', () => {
    const small = { parameterCount: 500, statisticCount: 0, samplesPerItem: 100, imageBytes: 1 };
    const answer = encodeMessage({
      ...{ type: 'evaluated', evaluation: 1, chunk: 0, sampleCount: 100, lossSum: 1, correct: 1 },
      logits: new Uint8Array(100 * 256 * 4),
    });
    expect(largestFrameBytes({ ...small, classCount: 256 })).toBeGreaterThan(answer.byteLength);
    expect(largestFrameBytes({ ...small, classCount: 0 })).toBeLessThan(answer.byteLength);
  });
});
