import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../../src/foundation/random.js';
import type { RandomKey } from '../../../src/foundation/random.js';
import { wireByteLength } from '../../../src/foundation/wire/format.js';
import type { WireFormat } from '../../../src/foundation/wire/format.js';
import { packInPlace, roundToWire, unpackFromWire } from '../../../src/foundation/wire/kernels.js';

const KEY: RandomKey = [0xdeadbeef, 0x12345678];
const COMPACT = ['bfloat16', 'int8'] as const;
/** A part of the kernels' memory and some; the last block is not full. */
const LONG = 8192 + 3 * 32 + 5;

function rounded(format: WireFormat, values: ArrayLike<number>, key: RandomKey = KEY): Float32Array {
  const vector = Float32Array.from(values);
  roundToWire(format, vector, key);
  return vector;
}

function unpacked(format: WireFormat, packed: Uint8Array, length: number): Float32Array {
  return unpackFromWire(format, packed, () => new Float32Array(length));
}

/** The bits of a float32, with one NaN for all. */
function bitsOf(values: Iterable<number>): number[] {
  return [...new Uint32Array(Float32Array.from(values).buffer)].map((bits) =>
    (bits & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : bits,
  );
}

/** By arithmetic over whole numbers: float32 is a multiple of 2^-149. */
function nearestBfloat16(value: number): number {
  if (!Number.isFinite(value) || value === 0) return value;
  const multiple = BigInt(Math.abs(value) * 2 ** 149);
  const digits = multiple.toString(2).length;
  const unit = 2n ** BigInt(Math.max(digits - 8, 16)); // 8 significant bits, or a subnormal's last place
  const below = multiple / unit;
  const twiceRest = 2n * (multiple % unit);
  const up = twiceRest > unit || (twiceRest === unit && below % 2n === 1n) ? 1n : 0n;
  const result = Number((below + up) * unit) * 2 ** -149;
  return Math.sign(value) * (result > 3.4e38 ? Infinity : result);
}

/** By float64, in which everything but the random numbers is exact, and the words of a stream. */
function stochasticInt8(values: readonly number[], key: RandomKey): number[] {
  const stream = new RandomStream(key);
  const blocks = Array.from({ length: Math.ceil(values.length / 32) }, (_, k) =>
    values.slice(32 * k, 32 * k + 32),
  );
  return blocks.flatMap((block) => {
    const words = Array.from({ length: 16 }, () => stream.nextUint32());
    const largest = Math.max(...block.map(Math.abs));
    if (!(largest <= 127 * 2 ** 121)) return block.map(() => NaN);
    let scale = 2 ** -110;
    while (127 * scale < largest) scale *= 2;
    return block.map((value, e) => {
      const word = words[4 * (e % 4) + (Math.floor(e / 4) % 4)]!;
      const uniform = (e < 16 ? word % 65536 : Math.floor(word / 65536)) / 65536;
      const steps = nearestEven((value / scale) * 65536) / 65536;
      return Math.floor(steps + uniform) * scale;
    });
  });
}

function nearestEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

const anyFloat = fc.float({ noNaN: true });
/** As gradients are, of all sizes. */
const usual = fc
  .tuple(fc.float({ min: -1, max: 1, noNaN: true }), fc.integer({ min: -40, max: 40 }))
  .map(([fraction, exponent]) => Math.fround(fraction * 2 ** exponent));
const vectors = fc.oneof(
  fc.array(anyFloat, { minLength: 1, maxLength: 80 }),
  fc.array(usual, { minLength: 1, maxLength: 80 }),
);

describe('rounding', () => {
  it('to bfloat16 is to nearest even, as over whole numbers', () => {
    const special = [
      0,
      -0,
      Infinity,
      -Infinity,
      NaN,
      3.4028234663852886e38,
      -1e-45,
      1e-40,
      1.00390625,
      1.01171875,
    ].map(Math.fround);
    expect(bitsOf(rounded('bfloat16', special))).toEqual(bitsOf(special.map(nearestBfloat16)));
    fc.assert(
      fc.property(vectors, (values) => {
        expect(bitsOf(rounded('bfloat16', values))).toEqual(bitsOf(values.map(nearestBfloat16)));
      }),
    );
  });

  it('keeps a NaN of any bits in bfloat16', () => {
    const nans = new Float32Array(new Uint32Array([0x7fffffff, 0xffffffff, 0x7f800001, 0xff800001]).buffer);
    roundToWire('bfloat16', nans, null);
    expect([...nans]).toEqual([NaN, NaN, NaN, NaN]);
  });

  it('to int8 draws a number a value from the stream of its key', () => {
    fc.assert(
      fc.property(vectors, fc.tuple(fc.nat(2 ** 32 - 1), fc.nat(2 ** 32 - 1)), (values, key) => {
        const expected = stochasticInt8(values, key).map((value) => value + 0); // no negative zeros
        expect(bitsOf(rounded('int8', values, key))).toEqual(bitsOf(expected));
      }),
    );
  });

  it('to int8 is the same in a long vector, of which no part repeats the random numbers of another', () => {
    const stream = new RandomStream([1, 2]);
    const values = Array.from({ length: LONG }, () => Math.fround(stream.nextNormal()));
    expect(bitsOf(rounded('int8', values))).toEqual(bitsOf(stochasticInt8(values, KEY)));
  });

  it('to int8 is right on average, for values far below the scale too', () => {
    const values = [1, 0.3, -0.3, 0.001, -0.001, 2 ** -12, 0.9999];
    const runs = 20_000;
    const sums = new Float64Array(values.length);
    for (let draw = 0; draw < runs; draw++) {
      rounded('int8', values, [draw, 5]).forEach((value, index) => (sums[index]! += value));
    }
    const scale = 1 / 64;
    const deviation = scale / 2 / Math.sqrt(runs); // of the mean, at most
    for (const [index, value] of values.entries()) {
      expect(Math.abs(sums[index]! / runs - value)).toBeLessThan(4 * deviation);
    }
    expect(sums[3]).not.toBe(0);
  });

  it('leaves rounded values as they are', () => {
    fc.assert(
      fc.property(vectors, fc.constantFrom(...COMPACT), (values, format) => {
        const once = rounded(format, values);
        expect(bitsOf(rounded(format, once, [9, 9]))).toEqual(bitsOf(once));
      }),
    );
  });

  it('shows every value that is not finite, and does not make a NaN of the largest finite ones but in int8', () => {
    for (const format of COMPACT) {
      for (const value of [NaN, Infinity, -Infinity]) {
        const values = new Array<number>(64).fill(1);
        values[40] = value;
        expect(Number.isFinite(rounded(format, values)[40])).toBe(false);
        expect(rounded(format, values)[3]).toBe(1);
      }
    }
    expect([...rounded('int8', [127 * 2 ** 121, 1])].every(Number.isFinite)).toBe(true);
    expect([...rounded('int8', [3.4e38, 1])]).toEqual([NaN, NaN]);
  });

  it('to float32 changes nothing', () => {
    expect([...rounded('float32', [0.1, 1e-45, NaN])]).toEqual([...Float32Array.of(0.1, 1e-45, NaN)]);
  });
});

describe('the wire form', () => {
  it('holds rounded values without loss, in as many bytes as it says', () => {
    fc.assert(
      fc.property(vectors, fc.constantFrom('float32' as const, ...COMPACT), (values, format) => {
        const once = rounded(format, values);
        const packed = packInPlace(format, once.slice());
        expect(packed.byteLength).toBe(wireByteLength(format, values.length));
        expect(bitsOf(unpacked(format, packed, values.length))).toEqual(
          bitsOf(format === 'int8' ? withNanBlocks(once) : once),
        );
      }),
    );
  });

  it.each(COMPACT)('holds a long vector too: %s', (format) => {
    const stream = new RandomStream([3, 4]);
    const values = Float32Array.from({ length: LONG }, () => stream.nextNormal());
    roundToWire(format, values, KEY);
    const packed = packInPlace(format, values.slice());
    expect(bitsOf(unpacked(format, packed, LONG))).toEqual(bitsOf(values));
  });

  it('is the one that format.ts describes', () => {
    const bfloat16 = packInPlace('bfloat16', Float32Array.of(1, -2.5));
    expect([...bfloat16]).toEqual([0x80, 0x3f, 0x20, 0xc0]);
    const int8 = packInPlace('int8', Float32Array.of(2, -1.5, 0, 1 / 32));
    expect([...int8]).toEqual([127 - 5, 64, -48 & 0xff, 0, 1]);
    const many = packInPlace('int8', new Float32Array(33).fill(-1));
    expect([...many.subarray(30)]).toEqual([192, 192, 192, 127 - 6, 192]);
  });

  it('of any bytes is read as some numbers', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 99 }), (bytes) => {
        const length = bytes.length - Math.ceil(bytes.length / 33);
        fc.pre(wireByteLength('int8', length) === bytes.length);
        const expected = [...bytes].flatMap((byte, index) => {
          if (index % 33 === 0) return [];
          const exponent = bytes[index - (index % 33)]!;
          const scale = exponent === 255 ? Infinity : exponent === 0 ? 0 : 2 ** (exponent - 127);
          return [Math.fround(((byte << 24) >> 24) * scale)];
        });
        const found = unpacked('int8', bytes, length);
        expect([...found].map((value) => value + 0)).toEqual(expected.map((value) => value + 0));
      }),
    );
  });
});

/** A value that is not finite makes its block so. */
function withNanBlocks(values: Float32Array): Float32Array {
  return values.map((value, index) => {
    const block = values.subarray(index - (index % 32), index - (index % 32) + 32);
    return block.every(Number.isFinite) ? value : NaN;
  });
}
