import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from '../../../src/coordinator/checkpoints/safetensors.js';
import type { NamedTensor } from '../../../src/coordinator/checkpoints/safetensors.js';
import { LockstepError } from '../../../src/foundation/errors.js';
import { littleEndianBytes } from '../../../src/foundation/littleEndian.js';
import { thrownBy } from '../../support/errors.js';

/** Written by the reference implementation: test/golden/safetensors.py. */
const reference = readFileSync(new URL('../../golden/reference.safetensors', import.meta.url));

const tensor = (name: string, shape: readonly number[], values: readonly number[]): NamedTensor => ({
  name,
  shape,
  values: Float32Array.from(values),
});

/** A file with any header, followed by `data`. */
function fileWith(header: unknown, data: Uint8Array = new Uint8Array(8)): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.byteLength));
  return Buffer.concat([length, json, data]);
}

const NO_DATA = new Uint8Array(0);

const entry = (change: object = {}): object => ({
  dtype: 'F32',
  shape: [2],
  data_offsets: [0, 8],
  ...change,
});
const refuse = (file: Uint8Array): LockstepError =>
  thrownBy('E_CHECKPOINT', () => decodeSafetensors(file, 'some.safetensors'));

describe('the reference implementation’s file', () => {
  it('is read: names, shapes, the bits of the values, metadata', () => {
    const { metadata, tensors } = decodeSafetensors(reference, 'reference.safetensors');
    expect(metadata).toEqual({ greeting: 'grüß "dich"', n: '1' });
    expect(Object.fromEntries(tensors.map(({ name, shape }) => [name, shape]))).toEqual({
      empty: [0, 3],
      matrix: [2, 3],
      scalar: [],
      vector: [4],
    });
    const values = Object.fromEntries(tensors.map((each) => [each.name, [...each.values]]));
    expect(values['matrix']).toEqual([0, 0.25, 0.5, 0.75, 1, 1.25]);
    expect(values['vector']).toEqual([Math.fround(1e-45), -0, Math.fround(3.4028235e38), -1.5]);
    expect(values['scalar']).toEqual([Math.fround(0.1)]);
    expect(values['empty']).toEqual([]);
  });

  it('is written again byte for byte', () => {
    const content = decodeSafetensors(reference, 'reference.safetensors');
    const sorted = { ...content, tensors: [...content.tensors] };
    expect(Buffer.compare(encodeSafetensors(sorted), reference)).toBe(0);
  });
});

describe('what was written', () => {
  it('comes back, whatever the names, values and metadata', () => {
    const tensors = fc.uniqueArray(
      fc.record({ name: fc.string({ minLength: 1 }), values: fc.array(fc.float({ noNaN: true })) }),
      { selector: ({ name }) => name, maxLength: 6 },
    );
    const texts = fc.dictionary(fc.string({ minLength: 1 }), fc.string(), { noNullPrototype: true });
    fc.assert(
      fc.property(tensors, texts, (list, metadata) => {
        const named = list
          .filter(({ name }) => name !== '__metadata__')
          .map(({ name, values }) => tensor(name, [values.length], values));
        const file = encodeSafetensors({ metadata, tensors: named });
        const back = decodeSafetensors(file, 'file');
        expect({ ...back.metadata }).toEqual(metadata);
        const byName = (content: readonly NamedTensor[]): Map<string, number[]> =>
          new Map(content.map(({ name, values }) => [name, [...values]]));
        expect(byName(back.tensors)).toEqual(byName(named));
      }),
      { numRuns: 200 },
    );
  });

  it('has tensors of any name, also of those that every object inherits', () => {
    const named = ['__proto__', 'constructor', 'toString'].map((name) => tensor(name, [1], [7]));
    const { tensors } = decodeSafetensors(encodeSafetensors({ metadata: {}, tensors: named }), 'file');
    expect(tensors.map(({ name }) => name)).toEqual(['__proto__', 'constructor', 'toString']);
  });

  it('is read from any position in memory, aligned or not', () => {
    const file = encodeSafetensors({ metadata: {}, tensors: [tensor('a', [3], [1, 2, 3])] });
    for (let shift = 0; shift < 9; shift++) {
      const memory = new Uint8Array(file.byteLength + 16);
      memory.set(file, shift);
      const { tensors } = decodeSafetensors(memory.subarray(shift, shift + file.byteLength), 'file');
      expect([...tensors[0]!.values]).toEqual([1, 2, 3]);
    }
  });

  it('has the data aligned to eight bytes, as the reference writer does', () => {
    for (let length = 1; length < 20; length++) {
      const file = encodeSafetensors({ metadata: {}, tensors: [tensor('n'.repeat(length), [1], [1])] });
      expect(Number(file.readBigUInt64LE()) % 8).toBe(0);
    }
  });
});

it('reads tensors in whatever order the header names them, empty ones between them', () => {
  const header = {
    b: entry({ data_offsets: [8, 16] }),
    none: entry({ shape: [0], data_offsets: [8, 8] }),
    a: entry(),
  };
  const { tensors } = decodeSafetensors(
    fileWith(header, littleEndianBytes(Float32Array.of(1, 2, 3, 4))),
    'file',
  );
  expect(tensors.map(({ name, values }) => [name, [...values]])).toEqual([
    ['b', [3, 4]],
    ['none', []],
    ['a', [1, 2]],
  ]);
});

describe('a damaged file', () => {
  it('is refused wherever it is cut off, by a message that names it', () => {
    for (let length = 0; length < reference.byteLength; length++) {
      expect(refuse(reference.subarray(0, length)).message).toContain('some.safetensors');
    }
  });

  it.each<[string, Uint8Array]>([
    ['a header length beyond the file', Buffer.concat([Buffer.alloc(8, 0xff), Buffer.from('{}')])],
    ['a header that is not JSON', fileWith('{"a":')],
    ['a header that is null', fileWith('null')],
    ['a header that is a number', fileWith('1')],
    ['a header that is a list', fileWith([entry()])],
    ['a header that is text', fileWith('"abc"')],
    ['an entry that is null', fileWith({ a: null })],
    ['an entry that is a list', fileWith({ a: [] })],
    ['another type of number', fileWith({ a: entry({ dtype: 'F64', shape: [1] }) })],
    ['a type that is no text', fileWith({ a: entry({ dtype: 32 }) })],
    ['no shape', fileWith({ a: { dtype: 'F32', data_offsets: [0, 8] } })],
    ['a shape that is no list', fileWith({ a: entry({ shape: 2 }) })],
    ['a shape of fractions', fileWith({ a: entry({ shape: [0.5, 4] }) })],
    ['a shape with negative sizes', fileWith({ a: entry({ shape: [-1, -2] }) })],
    ['a tensor that ends before it begins', fileWith({ a: entry({ shape: [-2], data_offsets: [8, 0] }) })],
    ['a shape that does not fit the bytes', fileWith({ a: entry({ shape: [3] }) })],
    ['offsets beyond the end', fileWith({ a: entry({ data_offsets: [12, 20] }) })],
    ['offsets before the beginning', fileWith({ a: entry({ data_offsets: [-8, 0] }) })],
    ['three offsets', fileWith({ a: entry({ data_offsets: [0, 8, 8] }) })],
    ['offsets that are text', fileWith({ a: entry({ data_offsets: ['0', '8'] }) })],
    ['metadata that is a list', fileWith({ __metadata__: ['a'] }, NO_DATA)],
    ['metadata that is a number', fileWith({ __metadata__: 5 }, NO_DATA)],
    ['metadata that is null', fileWith({ __metadata__: null }, NO_DATA)],
    ['metadata that holds more than text', fileWith({ __metadata__: { a: { b: 1 } } }, NO_DATA)],
  ])('is refused: %s', (_what, file) => {
    refuse(file);
  });

  it.each<[string, Uint8Array, RegExp]>([
    [
      'two tensors over the same bytes',
      fileWith({ a: entry(), b: entry() }),
      /tensor b overlaps the one before it/,
    ],
    [
      'tensors that overlap in part',
      fileWith({ a: entry({ data_offsets: [4, 12] }), b: entry() }, new Uint8Array(12)),
      /tensor a overlaps/,
    ],
    [
      'a gap before the first tensor',
      fileWith({ a: entry({ data_offsets: [8, 16] }) }, new Uint8Array(16)),
      /a leaves a gap/,
    ],
    [
      'a gap between tensors',
      fileWith({ a: entry(), b: entry({ data_offsets: [16, 24] }) }, new Uint8Array(24)),
      /b leaves a gap/,
    ],
    ['bytes after the last tensor', fileWith({ a: entry() }, new Uint8Array(9)), /have 8 bytes, but 9 are/],
    ['data without tensors', fileWith({}), /have 0 bytes, but 8 are there/],
    [
      'a long header',
      fileWith(JSON.stringify({ a: entry() }).padEnd(17 << 20)),
      /its header has 17825792 bytes/,
    ],
    ['a name that steers the terminal', fileWith({ '\u001b[2Ja': entry(), b: 0 }), /^[^\u001b]*$/],
  ])('is refused, and says why: %s', (_what, file, message) => {
    expect(refuse(file).message).toMatch(message);
  });

  it('never gives anything but tensors of a fitting size, or E_CHECKPOINT', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(changes, fc.nat({ max: 20 }), (list, cutOff) => {
        const file = Uint8Array.from(reference.subarray(0, reference.byteLength - cutOff));
        for (const [position, byte] of list) file[position % file.byteLength] = byte;
        try {
          for (const { shape, values } of decodeSafetensors(file, 'file').tensors) {
            expect(values.length).toBe(shape.reduce((product, size) => product * size, 1));
          }
        } catch (error) {
          if (!(error instanceof LockstepError)) throw error;
          expect(error.code).toBe('E_CHECKPOINT');
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('of random bytes is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (file) => void refuse(file)),
      { numRuns: 500 },
    );
  });
});
