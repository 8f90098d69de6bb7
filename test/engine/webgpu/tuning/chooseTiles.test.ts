/** Tiles are chosen by times alone, whatever a clock, a busy GPU or a driver does to them. */

import { describe, expect, it } from 'vitest';
import { chooseTiles, FIXED } from '../../../../src/engine/webgpu/tuning/chooseTiles.js';
import type { MeasuredRound, TileChoice } from '../../../../src/engine/webgpu/tuning/chooseTiles.js';
import { confirmed } from '../../../../src/engine/webgpu/tuning/tuneTiles.js';

/** Times of sizes by tile: `{ a: ['usual', 100] }`. */
type Times = Readonly<Record<string, readonly [tile: string, microseconds: number]>>;

function round(times: Times, rest: Partial<MeasuredRound> & { fixed?: number } = {}): MeasuredRound {
  const { fixed = 50, ...others } = rest;
  return {
    tiles: new Map(Object.entries(times).map(([key, [tile]]) => [key, tile])),
    microseconds: new Map([
      ...Object.entries(times).map(([key, [, time]]) => [key, time] as const),
      [FIXED, fixed],
    ]),
    isSteady: true,
    isRight: true,
    ...others,
  };
}

const USUAL = round({ a: ['usual', 100], b: ['usual', 200] });

function tilesOf(choices: ReadonlyMap<string, TileChoice>): Record<string, string> {
  return Object.fromEntries([...choices].map(([key, { tile }]) => [key, tile]));
}

const chosen = (...rounds: readonly MeasuredRound[]): Record<string, string> => tilesOf(chooseTiles(rounds));

describe('the choice', () => {
  it('is the fastest tile of each size', () => {
    const others = [
      round({ a: ['second', 90], b: ['second', 190] }),
      round({ a: ['third', 80], b: ['third', 250] }),
    ];
    expect(chosen(USUAL, ...others)).toEqual({ a: 'third', b: 'second' });
  });

  it('stays the usual one unless another is faster by more than noise', () => {
    expect(chosen(USUAL, round({ a: ['second', 98], b: ['second', 193] }))).toEqual({
      a: 'usual',
      b: 'second',
    });
  });

  it('takes the shortest of several times of a tile', () => {
    const slow = round({ a: ['usual', 99], b: ['usual', 240] });
    const fast = round({ a: ['second', 90], b: ['second', 150] });
    const slower = round({ a: ['second', 140], b: ['second', 190] });
    expect(chosen(USUAL, slower, slow, fast)).toEqual({ a: 'second', b: 'second' });
  });

  it('corrects by the kernels that are the same in all rounds', () => {
    // All took a tenth less, the kernels without a choice too: a higher clock, not better tiles.
    expect(chosen(USUAL, round({ a: ['second', 90], b: ['second', 180] }, { fixed: 45 }))).toEqual({
      a: 'usual',
      b: 'usual',
    });
    // Sizes with no more candidates are such kernels, too.
    expect(chosen(USUAL, round({ a: ['second', 100], b: ['usual', 220] }, { fixed: 55 }))).toEqual({
      a: 'second',
      b: 'usual',
    });
  });

  it.each([
    ['at a far lower clock', { fixed: 200 }],
    ['while the times went up and down', { isSteady: false }],
    ['of which the gradient was wrong', { isRight: false }],
  ])('leaves out a round %s', (_, rest) => {
    expect(chosen(USUAL, round({ a: ['second', 10], b: ['second', 20] }, rest))).toEqual({
      a: 'usual',
      b: 'usual',
    });
  });

  it.each([
    ['none', NaN],
    ['zero', 0],
    ['a negative one', -7],
  ])('chooses no tile for a time that is missing: %s', (_, time) => {
    expect(chosen(USUAL, round({ a: ['second', time], b: ['second', 20] }))).toEqual({
      a: 'usual',
      b: 'second',
    });
  });

  it('is of no size without a time of the usual tile', () => {
    const second = round({ a: ['second', 10], b: ['second', 20] });
    expect(chosen()).toEqual({});
    expect(chosen({ ...USUAL, isSteady: false }, second)).toEqual({});
    expect(chosen(round({ a: ['usual', 0], b: ['usual', 0] }, { fixed: 0 }), second)).toEqual({});
  });

  it('begins from the usual tiles of a later round where the first was not steady', () => {
    const second = round({ a: ['second', 80], b: ['second', 220] });
    expect(chosen({ ...USUAL, isSteady: false }, second, USUAL)).toEqual({ a: 'second', b: 'usual' });
  });
});

describe('the confirmation', () => {
  const choices = chooseTiles([USUAL, round({ a: ['second', 80], b: ['second', 150] })]);
  const trial = (usual: MeasuredRound, winners: MeasuredRound): Record<string, string> => {
    const run = (measured: MeasuredRound, index: number) => ({
      ...measured,
      round: index,
      distance: 0,
      totalMicroseconds: [...measured.microseconds.values()].reduce((total, time) => total + time, 0),
    });
    return tilesOf(confirmed(choices, [run(usual, 0), run(winners, 1)]));
  };

  it('keeps what is faster again, and only that', () => {
    expect(trial(USUAL, round({ a: ['second', 81], b: ['second', 205] }))).toEqual({
      a: 'second',
      b: 'usual',
    });
  });

  it('keeps nothing if the whole is no faster, or if it could not be measured', () => {
    const winners = round({ a: ['second', 81], b: ['second', 260] });
    const usual = { a: 'usual', b: 'usual' };
    expect(trial(USUAL, winners)).toEqual(usual);
    expect(trial(USUAL, { ...winners, isSteady: false })).toEqual(usual);
    expect(tilesOf(confirmed(choices, []))).toEqual(usual);
  });
});
