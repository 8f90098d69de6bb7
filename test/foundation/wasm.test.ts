import { describe, expect, it } from 'vitest';
import { flatten, signedLeb128, unsignedLeb128 } from '../../src/foundation/wasm/encoding.js';
import * as wasm from '../../src/foundation/wasm/expressions.js';
import { FunctionBuilder } from '../../src/foundation/wasm/functionBuilder.js';
import { compile, newMemory } from '../../src/foundation/wasm/host.js';
import { encodeModule } from '../../src/foundation/wasm/module.js';

/** Runs a kernel over a memory that starts with these floats; returns all floats of the first page. */
async function run(
  floats: readonly number[],
  parameters: readonly number[],
  emit: (f: FunctionBuilder) => void,
): Promise<Float32Array> {
  const builder = new FunctionBuilder(parameters.length);
  emit(builder);
  const memory = newMemory(1, 1);
  const view = new Float32Array(memory.buffer);
  view.set(floats);
  const { exports } = (await compile(encodeModule([{ name: 'kernel', builder }])))(memory);
  (exports.kernel as (...parameters: number[]) => void)(...parameters);
  return view;
}

describe('LEB128', () => {
  it('encodes the examples of the DWARF standard, sections 7.6 and C', () => {
    expect(flatten(unsignedLeb128(127))).toEqual([0x7f]);
    expect(flatten(unsignedLeb128(128))).toEqual([0x80, 1]);
    expect(flatten(unsignedLeb128(12857))).toEqual([0xb9, 0x64]);
    expect(flatten(signedLeb128(2))).toEqual([2]);
    expect(flatten(signedLeb128(-2))).toEqual([0x7e]);
    expect(flatten(signedLeb128(127))).toEqual([0xff, 0]);
    expect(flatten(signedLeb128(-127))).toEqual([0x81, 0x7f]);
    expect(flatten(signedLeb128(-129))).toEqual([0xff, 0x7e]);
  });
});

describe('expressions', () => {
  const a = [1.5, -2, 3, 0];
  const b = [2, -0.5, 5, -1];
  const binary: readonly [
    string,
    (x: wasm.V128, y: wasm.V128) => wasm.V128,
    (x: number, y: number) => number,
  ][] = [
    ['addVectors', wasm.addVectors, (x, y) => x + y],
    ['subtractVectors', wasm.subtractVectors, (x, y) => x - y],
    ['multiplyVectors', wasm.multiplyVectors, (x, y) => x * y],
    ['divideVectors', wasm.divideVectors, (x, y) => x / y],
    ['pseudoMaximum', wasm.pseudoMaximum, (x, y) => (x < y ? y : x)],
    [
      'bitwiseAnd with greaterThan',
      (x, y) => wasm.bitwiseAnd(x, wasm.greaterThan(x, y)),
      (x, y) => (x > y ? x : 0),
    ],
  ];

  it.each(binary)('%s works lane by lane', async (_, expression, expected) => {
    const floats = await run([...a, ...b], [0], (f) => {
      const at = f.parameter(0);
      f.store(at, expression(wasm.load(at), wasm.load(at, 16)), 32);
    });
    expect([...floats.slice(8, 12)]).toEqual(a.map((x, lane) => Math.fround(expected(x, b[lane]!))));
  });

  it('loads and makes equal lanes', async () => {
    const floats = await run([7, 8], [0], (f) => {
      const at = f.parameter(0);
      f.store(at, wasm.loadSplat(at, 4), 16);
      f.store(at, wasm.vector(-0.1), 32);
      f.store(at, wasm.splatInteger(wasm.multiply(wasm.constant(-300), wasm.constant(7))), 48);
    });
    const splat = (value: number): number[] => Array<number>(4).fill(Math.fround(value));
    expect([...floats.slice(4, 16)]).toEqual([...splat(8), ...splat(-0.1), ...splat(-2100)]);
  });
});

describe('loops', () => {
  it('repeat as often as a constant or a parameter says, nested, with pointers that advance', async () => {
    const floats = await run([1], [3], (f) => {
      const pointer = f.variable(wasm.constant(64));
      f.repeat(f.parameter(0), () => {
        f.repeat(2, () => {
          f.store(pointer, wasm.loadSplat(wasm.constant(0)));
          f.advance(pointer, 16);
        });
        f.repeat(1, () => f.advance(pointer, 16));
      });
    });
    const written = Array.from({ length: 10 }, (_, index) => floats[16 + 4 * index]);
    expect(written).toEqual([1, 1, 0, 1, 1, 0, 1, 1, 0, 0]);
  });
});
