import { describe, expect, it } from 'vitest';
import { loadSimd, simdEngine } from '../../../src/engine/simd/index.js';
import { Arena } from '../../../src/engine/simd/plan/arena.js';
import { buildModel } from '../../../src/model/index.js';
import { rejectionOf } from '../../support/errors.js';
import { withoutAddressSpace } from '../../support/noAddressSpace.js';
import { tinyBatch, tinyState } from '../engineContract.js';

const model = buildModel('resnet8');
const state = { ...tinyState(model), version: 1 };

describe('too little address space', () => {
  it('is told from lack of SIMD, which is found out without a memory, with what to do', async () => {
    withoutAddressSpace();
    expect(await simdEngine.availability()).toMatchObject({ available: true });
    const engine = await loadSimd(model);
    const error = await rejectionOf('E_RESOURCES', engine.gradient(state, tinyBatch(model, 1), [1, 2]));
    expect(error.message).toMatch(/ulimit -v.*NODE_OPTIONS=--disable-wasm-trap-handler/);
  });
});

describe('the arena', () => {
  it('may grow up to the usual micro-batches, and declares no more', () => {
    const arena = new Arena();
    const region = arena.batch(65_536 / 4).usedAt(0); // a page an image
    arena.reserve(100);
    const { memory } = arena;
    arena.reserve(120);
    expect(arena.memory).toBe(memory);
    expect(() => memory.grow(20)).toThrow(RangeError);
    expect(region.at(1) - region.at(0)).toBe(65_536);
  });

  it('moves to a larger memory for larger micro-batches, with what lies in its fixed regions', () => {
    const memories: object[] = [];
    const arena = new Arena((memory) => memories.push(memory));
    const fixed = arena.fixed(4);
    arena.batch(65_536 / 4).usedAt(0);
    arena.view(fixed).set([1, 2, 3, 4]);
    arena.reserve(500);
    expect(memories).toHaveLength(2);
    expect(memories[1]).toBe(arena.memory);
    expect([...arena.view(fixed)]).toEqual([1, 2, 3, 4]);
  });

  it('computes the same bits after such a move', async () => {
    const engine = await loadSimd(model);
    const batch = tinyBatch(model, 3);
    const before = await engine.gradient(state, batch, [1, 2]);
    const expected = [...before.gradientSum];
    await engine.gradient(state, tinyBatch(model, 140), [1, 2]);
    const after = await engine.gradient(state, batch, [1, 2]);
    expect([...after.gradientSum]).toEqual(expected);
    expect(after.lossSum).toBe(before.lossSum);
  });
});
